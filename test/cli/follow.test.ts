// needs: sandbox
import * as assert from 'uvu/assert';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import { plainUser } from '../deploy/plain-user.ts';
import { slowSite, startDeploy, untilBegun } from '../deploy/running.ts';
import { buildId, makeSite, type Refusal, type Site, until, untilNextSecond } from '../deploy/site.ts';
import { assertSound, whoServes } from '../deploy/sound.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/follow');
const [first, second] = [buildId(1), buildId(2)];

/** A command that goes on until it is interrupted. */
interface Following {
  stdout(): string;
  stderr(): string;
  says(words: string): Promise<void>;
  /** Waits for something that comes while it goes on; fails with all it said when it ends before. */
  goesOnUntil(what: string, ask: () => Promise<boolean>): Promise<void>;
  /** Interrupts it, as Ctrl-C does; gives its exit code. */
  interrupt(): Promise<number | null>;
}

async function follow(t: TestContext, site: Site, ...words: string[]): Promise<Following> {
  const child = await site.sandbox.startCutover([...words, '--config', site.config]);
  t.cleanup(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  let ended: { code: number | null; signal: string | null } | undefined;
  void child.ended.then((end) => (ended = end));
  const goesOnUntil: Following['goesOnUntil'] = async (what, ask) => {
    let is = false;
    const late = await until(what, async () => (is = await ask()) || ended).then(() => null, String);
    assert.ok(is, `${late ?? `ended before ${what}`}: ${stdout}${stderr}`);
  };
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    says: (text) => goesOnUntil(`it says "${text}"`, async () => stdout.includes(text)),
    goesOnUntil,
    async interrupt() {
      assert.is(ended, undefined, `it ended by itself: ${stdout}${stderr}`);
      child.kill('SIGINT');
      await until('it ends', async () => ended, 2_000);
      assert.is(ended?.signal, null, 'it was not ended, it ends');
      assert.not.match(stdout + stderr, '    at ');
      return ended?.code ?? null;
    },
  };
}

/** Nothing of the command goes on without it. */
async function assertAlone({ sandbox }: Site, ...names: string[]): Promise<void> {
  for (const name of names) assert.is((await sandbox.exec(['pgrep', '-x', name])).code, 1, `${name} goes on`);
}

test('S10: logs --follow tells a run while it goes on, to its end, and ends when interrupted', async (t) => {
  const site = await slowSite(t);
  await untilNextSecond();
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const following = await follow(t, site, 'logs', 'production', '--follow');
  await following.says(' ✓ swap ');
  await following.says(`deploy ${first} -> ${second}`);
  assert.not.match(following.stdout(), ' ✓ start ');
  const called = await run.end();
  await following.says(`production serves ${second}, proven healthy`);
  await following.says(JSON.stringify(called.document));
  await following.interrupt();
  assert.is(following.stderr(), '');
  assert.is(following.stdout().trimEnd(), (await site.tell('logs')).stdout);
  await assertAlone(site, 'tail');
  await assertSound(site, second, called);
});

test('logs --follow of a named run tells that one, although there are newer', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const earlier = (await site.call('report')).document.run ?? '';
  await untilNextSecond();
  assert.is((await site.call('deploy')).code, 0);
  const following = await follow(t, site, 'logs', 'production', earlier, '--follow');
  await following.says('"kind":"deploy"');
  await following.interrupt();
  assert.match(following.stdout(), `production serves ${first}`);
  assert.not.match(following.stdout(), second);
});

test('logs --unit --follow tells what the unit writes, from one build to the next', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const following = await follow(t, site, 'logs', 'production', '--unit', '--follow');
  await following.says(`${first} listens on ${site.port}`);
  assert.is((await site.call('deploy')).code, 0);
  await following.says(`${second} listens on ${site.port}`);
  await following.interrupt();
  assert.is(following.stderr(), '');
  await assertAlone(site, 'journalctl');
  await assertSound(site, second);
});

test('logs --unit --follow, of the unit of a plain user', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], user: await plainUser() });
  const following = await follow(t, site, 'logs', 'production', '--unit', '--follow');
  await following.says(`${first} listens on ${site.port}`);
  assert.is((await site.call('deploy')).code, 0);
  await following.says(`${second} listens on ${site.port}`);
  await following.interrupt();
  await assertAlone(site, 'journalctl');
});

test('S11: status --watch looks again and again, sees what changes, and ends with 130', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const following = await follow(t, site, 'status', 'production', '--watch');
  await following.says('production healthy');
  assert.is((await site.call('deploy')).code, 0);
  await following.says(`current    ${second}`);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  await following.says('production NOT HEALTHY');
  await site.sandbox.run('systemctl', 'start', site.unit);
  assert.match(following.stdout(), `current    ${first}`);
  assert.is(await following.interrupt(), 130);
  assert.is(following.stderr(), 'cutover: interrupted by SIGINT\n');
  assert.not.match(following.stdout(), '\u001B', 'no codes of a terminal where there is none');
  await until('it listens again', async () => (await whoServes(site))?.build === second);
  await assertSound(site, second);
});

test('S11: status --watch --json: one document a look, and one that tells of the end', async (t) => {
  const site = await makeSite(t);
  const following = await follow(t, site, 'status', 'production', '--watch', '--json');
  await following.goesOnUntil('it has looked twice', async () => following.stdout().split('"targets"').length > 2);
  assert.is(await following.interrupt(), 130);
  const documents = following
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { targets: TargetStatus[] } & Refusal);
  const last = documents.pop();
  assert.equal([last?.error.code, last?.exit_code], ['interrupted', 130]);
  assert.equal(
    documents.map(({ targets }) => targets.map(({ current, healthy }) => [current, healthy])),
    documents.map(() => [[first, true]]),
  );
  await assertSound(site, first);
});

test('S11: status that waits for an answer ends at once when interrupted', async (t) => {
  const site = await makeSite(t, { tables: { health: ['timeout = "30s"'] } });
  const serves = String((await whoServes(site))?.pid);
  await site.sandbox.run('kill', '-STOP', serves);
  t.cleanup(() => site.sandbox.run('kill', '-CONT', serves));
  const connections = ['ss', '--no-header', '--tcp', 'state', 'established', `dport = :${site.port}`] as const;
  for (const words of [[], ['--watch']]) {
    const following = await follow(t, site, 'status', 'production', ...words);
    await following.goesOnUntil('it has asked', async () => (await site.sandbox.run(...connections)) !== '');
    assert.is(await following.interrupt(), 130);
    assert.is(following.stdout(), '');
    assert.is(following.stderr(), 'cutover: interrupted by SIGINT\n');
  }
});
