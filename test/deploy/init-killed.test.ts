// needs: sandbox
// deadline: 10min
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { init, statusesIn, watchedSite } from './initiating.ts';
import type { Site } from './site.ts';

const test = suite('deploy/init --install killed', { timeoutMs: 500_000 });
const preload = `--require=${join(repository, 'test/deployer/init/kill-at.cjs')}`;

/** Runs the command until its N-th moment. @returns whether it got there; otherwise it came to its own end */
async function killedAt({ sandbox, config }: Site, word: string, moment: number): Promise<boolean> {
  const env = { NODE_OPTIONS: preload, KILL_AT: String(moment) };
  const { code, stderr } = await sandbox.cutover(['init', word, '--config', config], { env });
  if (code !== 0) assert.ok(code === null || code === 137, `exit ${code}: ${stderr}`);
  return code !== 0;
}

/** Every name with its kind, mode and text's sum, but for what a pass of the monitor leaves. */
function tree({ sandbox }: Site): Promise<string> {
  const find = `find /etc /usr/local/share /var/lib/cutover ! -name monitor.json -printf "%p %y %m %l\\n"`;
  return sandbox.run('sh', '-c', `${find} | sort; find /etc/systemd/system -type f -exec md5sum {} + | sort`);
}

/** Names the lines that are more and those that are missing: the whole tree would bury them. */
function assertSame(found: string, wanted: string, about: string): void {
  const [now, before] = [found, wanted].map((text) => text.split('\n')) as [string[], string[]];
  const differing = [...now.filter((line) => !before.includes(line)), ...before.filter((line) => !now.includes(line))];
  assert.equal(differing, [], about);
}

async function ended(site: Site, word: string): Promise<void> {
  const { code, stderr } = await init(site.sandbox, word, '--config', site.config);
  assert.is(code, 0, stderr);
}

test('killed at every moment of it: taken back exactly, or brought to its end', async (t) => {
  const site = await watchedSite(t);
  const before = await tree(site);
  await ended(site, '--install');
  const installed = await tree(site);
  await ended(site, '--uninstall');
  for (let moment = 1; ; moment += 1) {
    const isKilled = await killedAt(site, '--install', moment);
    const isOnward = moment % 2 === 0;
    if (isOnward) await ended(site, '--install');
    if (isOnward) assertSame(await tree(site), installed, `installed after moment ${moment}`);
    await ended(site, '--uninstall');
    assertSame(await tree(site), before, `taken back after moment ${moment}`);
    if (isKilled) continue;
    assert.ok(moment > 12, `${moment} moments`);
    return;
  }
});

test('killed at every moment of taking it back: the next call ends it', async (t) => {
  const site = await watchedSite(t);
  const before = await tree(site);
  for (let moment = 1; ; moment += 1) {
    await ended(site, '--install');
    if (!(await killedAt(site, '--uninstall', moment))) {
      assert.ok(moment > 10, `${moment} moments`);
      break;
    }
    await ended(site, '--uninstall');
    assertSame(await tree(site), before, `after moment ${moment}`);
  }
  assertSame(await tree(site), before, 'after all');
  await ended(site, '--install');
  const again = await init(site.sandbox, '--install', '--config', site.config);
  assert.equal(statusesIn(again.document), ['unchanged']);
});
