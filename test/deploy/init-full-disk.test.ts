// needs: sandbox
// deadline: 10min
import * as assert from 'uvu/assert';
import type { TestSandbox } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { init, refused, statusesIn, unitDirectory, watchedSite } from './initiating.ts';
import type { Site } from './site.ts';

const test = suite('deploy/init --install with no room', { timeoutMs: 120_000 });
const pages = '/usr/local/share/man/man1';

/** Puts a disk of its own at a folder, on which there is no room for anything; gives what takes it away. */
async function fill(t: TestContext, sandbox: TestSandbox, folder: string): Promise<() => Promise<void>> {
  await sandbox.run('mkdir', '-p', folder);
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=4k', 'full', folder);
  await sandbox.run('sh', '-c', `head -c 4096 /dev/zero > ${folder}/.full`);
  let isThere = true;
  const free = async (): Promise<void> => {
    if (isThere) await sandbox.run('umount', folder);
    isThere = false;
  };
  t.cleanup(free);
  return free;
}

function tree({ sandbox }: Site): Promise<string> {
  const find = 'find /etc /usr/local/share /var/lib/cutover ! -name monitor.json -printf "%p %y %m %l\\n"';
  return sandbox.run('sh', '-c', `${find} | sort`);
}

test('no room for a manual page: all that works between deploys is in place, and the rest is told', async (t) => {
  const site = await watchedSite(t);
  const { sandbox, config, app } = site;
  const free = await fill(t, sandbox, pages);
  const { code, document, stderr } = await init(sandbox, '--install', '--config', config);
  assert.is(code, 0, stderr);
  const timer = `cutover-monitor@${app}-production.timer`;
  assert.is(await sandbox.run('systemctl', 'is-active', timer), 'active');
  for (const unit of [timer, `cutover-settle@${app}-production.service`])
    assert.is(await sandbox.run('systemctl', 'is-enabled', unit), 'enabled');
  const [note = '', ...others] = document.notes;
  assert.equal(others, []);
  assert.match(note, `cannot write ${pages}/cutover.1: no space left: `);
  assert.match(note, /then again: cutover init (.* )?--install/);
  assert.not.ok(document.files.some(({ path }) => path.startsWith(pages)));
  await free();
  const again = await init(sandbox, '--install', '--config', config);
  assert.equal(statusesIn(again.document), ['unchanged', 'written']);
  assert.equal(
    again.document.files.flatMap(({ path, status }) => (status === 'written' ? [path] : [])),
    [`${pages}/cutover.1`],
  );
});

test('no room for a unit: nothing is written', async (t) => {
  const site = await watchedSite(t);
  const { sandbox, config, app } = site;
  const folder = `${unitDirectory}/cutover-settle@${app}-production.service.d`;
  await fill(t, sandbox, folder);
  const before = await tree(site);
  const answer = await refused(sandbox, '--install', '--config', config);
  assert.equal([answer.code, answer.kind], [1, 'disk']);
  assert.match(answer.message, `cannot write ${folder}/50-cutover.conf: no space left`);
  assert.is(await tree(site), before);
});

test('systemd cannot enable a unit: what is not in place is told, and the exit code says that something was changed', async (t) => {
  const site = await watchedSite(t);
  const { sandbox, config, app } = site;
  const free = await fill(t, sandbox, `${unitDirectory}/timers.target.wants`);
  await sandbox.run('mount', '-o', 'remount,ro', `${unitDirectory}/timers.target.wants`);
  const answer = await refused(sandbox, '--install', '--config', config);
  assert.is(answer.code, 3, answer.message);
  assert.match(answer.message, `these units are not enabled: cutover-monitor@${app}-production.timer`);
  assert.match(answer.mend, /then again: cutover init .*--install/);
  await free();
  const again = await init(sandbox, '--install', '--config', config);
  assert.is(again.code, 0, again.stderr);
});
