// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { startFed } from '../../lib/base/exec.ts';
import { shellLine } from '../../lib/base/shell-words.ts';
import { commandInside } from '../../lib/sandbox/inside.ts';
import { suite, type TestContext } from '../suite.ts';
import { siteWith } from './hooking.ts';
import { heldSite, ledger, letGo, lockText, untilBegun } from './running.ts';
import { buildId, executable, type Site, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/what nobody reads');
const [first, second] = [buildId(1), buildId(2)];
const [stop, goOn, suspend] = ['\u0013', '\u0011', '\u001A'];

interface OnTerminal {
  /** Types it into the terminal. */
  type(text: string): void;
  hasShown(words: string): Promise<void>;
  shown(): string;
  /** Waits for its end, and gives the exit code. */
  end(): Promise<number | null>;
}

function deployCommand(site: Site, ...words: string[]): string[] {
  return [process.execPath, executable('cutover'), 'deploy', 'production', '--config', site.config, ...words];
}

/** A deploy on a terminal of its own, as a shell starts it. */
async function deployOnTerminal(t: TestContext, site: Site): Promise<OnTerminal> {
  const line = `bash -mc ${shellLine([`${shellLine(deployCommand(site))}; exit $?`])}`;
  const command = commandInside(site.sandbox.pid, ['script', '-qec', line, '/dev/null']);
  const child = await startFed(command, { signal: t.signal });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (shown += chunk));
  return {
    type: (text) => void child.stdin.write(text),
    shown: () => shown,
    hasShown: (words) => until(`"${words}" is shown`, async () => shown.includes(words)),
    end: async () => (await child.ended).code,
  };
}

/** Types Ctrl-S, and waits until the terminal takes no more; gives the process of the run. */
async function stopTerminal(site: Site, deploying: OnTerminal): Promise<string> {
  deploying.type(stop);
  const pid = /"pid":(\d+)/.exec(await lockText(site))?.[1] ?? '';
  // Who writes and may not wait is refused then.
  const blank = `printf ' ' | dd status=none oflag=nonblock,append conv=notrunc of=/proc/${pid}/fd/1`;
  await until('the terminal is stopped', async () => (await site.sandbox.exec(['sh', '-c', blank])).code !== 0);
  return pid;
}

async function untilOver(site: Site): Promise<void> {
  await until('the run is over', async () => (await ledger(site)) === '');
}

test('S2, S10: a terminal that was stopped (Ctrl-S) does not stop the run, and has all of it in the end', async (t) => {
  const site = await heldSite(t);
  const deploying = await deployOnTerminal(t, site);
  await untilBegun(site, 'start');
  await stopTerminal(site, deploying);
  await letGo(site);
  await untilOver(site);
  assert.is((await whoServes(site))?.build, second);
  deploying.type(goOn);
  assert.is(await deploying.end(), 0);
  for (const words of ['start', 'gate', `production serves ${second}, proven healthy`])
    assert.match(deploying.shown(), words);
  await assertSound(site, second);
});

test('S4: a run behind a terminal that was stopped is taken back by SIGTERM', async (t) => {
  const site = await heldSite(t);
  const deploying = await deployOnTerminal(t, site);
  await untilBegun(site, 'start');
  const pid = await stopTerminal(site, deploying);
  await site.sandbox.run('kill', pid);
  await until('it goes back', async () => {
    const written = await ledger(site);
    return written === '' || written.includes('"reverting"');
  });
  await letGo(site);
  await untilOver(site);
  assert.is((await whoServes(site))?.build, first);
  deploying.type(goOn);
  assert.is(await deploying.end(), 4);
  assert.match(deploying.shown(), 'interrupted by SIGTERM');
  await assertSound(site, first);
});

/** A deploy that is over, and still has to tell it to a terminal that was stopped. */
async function overUntold(t: TestContext, site: Site): Promise<{ deploying: OnTerminal; pid: string }> {
  const deploying = await deployOnTerminal(t, site);
  await untilBegun(site, 'start');
  const pid = await stopTerminal(site, deploying);
  await letGo(site);
  await untilOver(site);
  return { deploying, pid };
}

test('S4: a run that is over and waits for its terminal leaves the next one its guard', async (t) => {
  const site = await heldSite(t);
  const { deploying } = await overUntold(t, site);
  const { code, stderr } = await site.call('rollback', ['--wait']);
  assert.is(code, 0, stderr);
  assert.not.match(stderr, 'does not guard');
  deploying.type(goOn);
  assert.is(await deploying.end(), 0);
  await assertSound(site, first);
});

test('S2: what is over and waits for its terminal ends at SIGTERM', async (t) => {
  const site = await heldSite(t);
  const { deploying, pid } = await overUntold(t, site);
  await until('it is gone', async () => {
    // One that comes before the end is an interruption that comes too late.
    await site.sandbox.exec(['kill', pid]);
    return (await site.sandbox.exec(['test', '-d', `/proc/${pid}`])).code !== 0;
  });
  deploying.type(goOn);
  assert.is(await deploying.end(), 143);
  await assertSound(site, second);
});

test('S2: a run is not suspended (Ctrl-Z), and says so', async (t) => {
  const site = await heldSite(t);
  const deploying = await deployOnTerminal(t, site);
  await untilBegun(site, 'start');
  deploying.type(suspend);
  await deploying.hasShown('cutover: a run cannot be suspended: it goes on');
  await letGo(site);
  assert.is(await deploying.end(), 0);
  await assertSound(site, second);
});

test('S2, S10: a pipe that is full does not stop the run, and has all of it in the end', async (t) => {
  const lines = 20_000;
  const site = await siteWith(t, () => ({ migrate: `seq --format='line %.0f of the migration' ${lines}` }));
  const { sandbox, folder } = site;
  const reader = `{ read -r first; echo "$first"; until [ -e ${folder}/read-on ]; do sleep 0.05; done; cat; }`;
  const child = await sandbox.spawn([
    'bash',
    '-c',
    `"$@" | ${reader} >${folder}/read; echo \${PIPESTATUS[0]}`,
    'bash',
    ...deployCommand(site),
  ]);
  let code = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (code += chunk));
  child.stderr.resume();
  await until('the second build serves', async () => (await whoServes(site))?.build === second);
  await untilOver(site);
  await writeFile(sandbox.hostPath(`${folder}/read-on`), '');
  await child.ended;
  assert.is(code.trim(), '0');
  const read = (await readFile(sandbox.hostPath(`${folder}/read`), 'utf8')).split('\n');
  const told = read.filter((line) => line.includes('of the migration'));
  const all = Array.from({ length: told.length }, (_, at) => `    | line ${at + 1} of the migration`);
  assert.equal(told.slice(0, 15_000), all.slice(0, 15_000), 'in their order, and none is missing');
  assert.ok(told.at(-1)?.includes(`line ${lines} `));
  assert.match(read.join('\n'), `production serves ${second}, proven healthy`);
  await assertSound(site, second);
});
