// needs: sandbox
import * as assert from 'uvu/assert';
import { plainUser } from '../deploy/plain-user.ts';
import { heldSite, startDeploy, untilBegun } from '../deploy/running.ts';
import { buildId, executable, makeSite, type Refusal, type Site, until, untilNextSecond } from '../deploy/site.ts';
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
  /** Interrupts it, as Ctrl-C does unless another signal is named; gives its exit code. */
  interrupt(signal?: NodeJS.Signals): Promise<number | null>;
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
    async interrupt(signal = 'SIGINT') {
      assert.is(ended, undefined, `it ended by itself: ${stdout}${stderr}`);
      child.kill(signal);
      await until('it ends', async () => ended);
      assert.is(ended?.signal, null, 'it was not ended, it ends');
      assert.not.match(stdout + stderr, '    at ');
      return ended?.code ?? null;
    },
  };
}

/** Nothing of the command goes on without it. */
async function assertAlone({ sandbox }: Site, ...names: string[]): Promise<void> {
  for (const name of names)
    await until(`${name} is gone`, async () => (await sandbox.exec(['pgrep', '-x', name])).code === 1);
}

test('S10: logs --follow tells a run while it goes on, to its end, and ends when interrupted', async (t) => {
  const site = await heldSite(t);
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
  assert.is(await following.interrupt(), 130);
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
  assert.is(await following.interrupt(), 130);
  assert.match(following.stdout(), `production serves ${first}`);
  assert.not.match(following.stdout(), second);
});

test('logs --unit --follow tells what the unit writes, from one build to the next', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const following = await follow(t, site, 'logs', 'production', '--unit', '--follow');
  await following.says(`${first} listens on ${site.port}`);
  assert.is((await site.call('deploy')).code, 0);
  await following.says(`${second} listens on ${site.port}`);
  assert.is(await following.interrupt(), 130);
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
  assert.is(await following.interrupt(), 130);
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

/** What goes on until it is ended. */
const watchers = [
  ['status', 'production', '--watch'],
  ['logs', 'production', '--follow'],
  ['logs', 'production', '--unit', '--follow'],
];

for (const words of watchers) {
  const name = words.join(' ');

  test(`${name}: no one document, so --json is refused`, async (t) => {
    const site = await makeSite(t);
    const { code, document } = await site.call<Refusal>(words[0] ?? '', words.slice(2));
    assert.equal([code, document.exit_code, document.error?.code], [64, 64, 'usage']);
    assert.match(document.error.message, '--json prints one document');
  });

  test(`${name}: the terminal goes, and so does it`, async (t) => {
    const site = await makeSite(t);
    const following = await follow(t, site, ...words);
    await following.goesOnUntil('it has begun', async () => following.stdout() !== '');
    assert.is(await following.interrupt('SIGHUP'), 130);
    await assertAlone(site, 'tail', 'journalctl');
  });

  test(`${name} | head -1: it ends when nobody reads, although nothing more happens`, async (t) => {
    const site = await makeSite(t);
    const line = `${process.execPath} ${executable('cutover')} ${name} --config ${site.config} | head -1`;
    const began = performance.now();
    const { code } = await site.sandbox.exec(['timeout', '--signal=KILL', '30', 'bash', '-c', line]);
    assert.is(code, 0, `it still runs after ${performance.now() - began} ms`);
    await assertAlone(site, 'tail', 'journalctl');
  });

  test(`${name}: killed, it leaves nothing behind`, async (t) => {
    const site = await makeSite(t);
    const child = await site.sandbox.startCutover([...words, '--config', site.config]);
    let said = '';
    child.stderr.resume();
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('it has begun', async () => said !== '');
    const cutover = await site.sandbox.run('pgrep', '-n', '-f', `cutover.* ${name} `);
    await site.sandbox.run('kill', '-KILL', cutover);
    await assertAlone(site, 'tail', 'journalctl');
  });
}

test('S8: a run goes on although nobody reads', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'slow_start', startMs: 1000 }] });
  const line = `${process.execPath} ${executable('cutover')} deploy production --config ${site.config} | head -1`;
  assert.is((await site.sandbox.exec(['bash', '-c', `set -o pipefail; ${line}`])).code, 0);
  await assertSound(site, second);
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
