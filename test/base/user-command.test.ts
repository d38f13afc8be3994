import { writeFileSync } from 'node:fs';
import { chmod, stat } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import {
  type OutputStream,
  runUserCommand,
  type UserCommandOptions,
  type UserCommandResult,
} from '../../lib/base/user-command.ts';
import { openController } from '../../lib/base/wait.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('base/user-command');
const plain: UserCommandOptions = { user: null, dir: null, env: {}, timeoutMs: 20_000 };
const ignoringSigterm = "trap '' TERM; echo up; while :; do sleep 0.1; done";

/** Whether some process still has this word among its arguments. */
async function isAlive(word: string): Promise<boolean> {
  const { code } = await runUserCommand({ command: ['pgrep', '-f', `^sleep ${word}`] }, plain);
  return code === 0;
}

/** Runs it again when it was slow: what waits for the end of its grace is slow each time. */
async function quickest(belowMs: number, run: () => Promise<UserCommandResult>): Promise<UserCommandResult> {
  let result = await run();
  for (let left = 2; left > 0 && result.durationMs >= belowMs; left -= 1) result = await run();
  assert.ok(result.durationMs < belowMs, `${result.durationMs} ms`);
  return result;
}

let words = 0;
/** A number of seconds that no other process sleeps. */
function ownWord(): string {
  words += 1;
  return `${9000 + words}.${process.pid}`;
}

test('P1: a line for the shell, or words that no shell sees; exit code, last lines and the answer come back', async () => {
  const shell = await runUserCommand({ shell: 'echo one; echo two; echo; echo why >&2; exit 3' }, plain);
  assert.equal([shell.code, shell.signal, shell.isTimeout, shell.answer, shell.left], [3, null, false, 'two', []]);
  assert.equal(shell.lastLines.toSorted(), ['', 'one', 'two', 'why']);
  const command = await runUserCommand({ command: ['printf', '%s\\n', '$HOME', 'a  b', '*'] }, plain);
  assert.equal([command.code, command.lastLines], [0, ['$HOME', 'a  b', '*']]);
});

test('P1: it has its folder, its environment, no input and no terminal', async (t) => {
  const dir = await makeDirectory(t);
  const lines: string[] = [];
  const script = 'pwd; echo "$CUTOVER_APP $PATH"; cat; (true </dev/tty) 2>/dev/null || echo no terminal';
  const env = { CUTOVER_APP: 'shop', PATH: '/bin' };
  await runUserCommand({ shell: script }, { ...plain, dir, env, onLine: (line) => void lines.push(line) });
  assert.equal(lines.slice(0, 2), [dir, 'shop /bin']);
  assert.is(lines.at(-1), 'no terminal');
});

test('P5: lines come while it runs, each with its stream', async (t) => {
  const go = join(await makeDirectory(t), 'go');
  const seen: [string, OutputStream][] = [];
  const onLine = (line: string, from: OutputStream): void => {
    seen.push([line, from]);
    if (line === 'first') writeFileSync(go, '');
  };
  // It waits for its own first line to be seen.
  const script = `echo first; until [ -e ${go} ]; do sleep 0.02; done; echo second >&2; printf "no end"`;
  const { code } = await runUserCommand({ shell: script }, { ...plain, onLine });
  const said = seen.map(([line, from]) => `${from}: ${line}`).toSorted();
  assert.equal(said, ['stderr: second', 'stdout: first', 'stdout: no end']);
  assert.is(code, 0);
});

test('P5: lines are as a terminal would show them, and have an end', async () => {
  const script = String.raw`printf '10%%\r50%%\r100%%\r\n\033[31mred\033[0m\a\r\n'; head -c 9000 /dev/zero | tr '\0' x; printf '\nä\n'`;
  const { lastLines } = await runUserCommand({ shell: script }, plain);
  assert.equal([lastLines[0], lastLines[1], lastLines[3]], ['100%', 'red', 'ä']);
  assert.equal([lastLines[2]?.length, lastLines[2]?.endsWith('x…')], [4097, true]);
});

test('P5: a flood is read to its end, and handed on only so far', async () => {
  let [lines, length] = [0, 0];
  let last = '';
  const onLine = (line: string): void => {
    [lines, length, last] = [lines + 1, length + line.length + 1, line];
  };
  const script = `yes "${'y'.repeat(99)}" | head -n 400000; echo the end`;
  const { code, answer, lastLines } = await runUserCommand({ shell: script }, { ...plain, onLine });
  assert.equal([code, answer, lastLines.length], [0, 'the end', 20]);
  assert.ok(length < 17 * 1024 * 1024 && lines > 100_000, `${lines} lines of ${length} bytes`);
  assert.match(last, 'left out');
});

test('P5: one endless line costs no memory', async () => {
  const { code, lastLines } = await runUserCommand({ shell: "head -c 50000000 /dev/zero | tr '\\0' x" }, plain);
  assert.equal([code, lastLines.length, lastLines[0]?.length], [0, 1, 4097]);
});

test('P5: a slow reader holds the command up, and loses nothing', async () => {
  const seen: string[] = [];
  const onLine = async (line: string): Promise<void> => {
    await sleep(6);
    seen.push(line);
  };
  await runUserCommand({ shell: 'seq 1 100' }, { ...plain, onLine });
  assert.equal([seen.length, seen.at(-1)], [100, '100']);
});

test('S12: at the deadline the whole tree is ended, whoever ignores SIGTERM or moved to another group', async () => {
  const [grandchild, elsewhere, job] = [ownWord(), ownWord(), ownWord()];
  const script = `(trap '' TERM; sleep ${grandchild}) & setsid sh -c "trap '' TERM; sleep ${elsewhere} & wait" & set -m; sleep ${job} & ${ignoringSigterm}`;
  const result = await runUserCommand({ command: ['bash', '-c', script] }, { ...plain, timeoutMs: 8_000 });
  assert.equal([result.code, result.isTimeout, result.lastLines[0], result.left], [null, true, 'up', []]);
  assert.ok(result.durationMs > 13_000 && result.durationMs < 45_000, `${result.durationMs} ms`);
  for (const word of [grandchild, elsewhere, job]) assert.is(await isAlive(word), false, word);
});

test('S12: who heeds SIGTERM is asked once, has its time, and may still say something', async () => {
  const script = "trap 'echo asked; sleep 0.5; echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";
  const run = () => runUserCommand({ shell: script }, { ...plain, timeoutMs: 6_000 });
  const result = await quickest(10_900, run);
  const own = result.lastLines.filter((line) => !line.includes('Terminated'));
  assert.equal([result.isTimeout, own], [true, ['up', 'asked', 'bye']]);
});

test('S12: an aborted command is gone before the reason is thrown', async () => {
  const controller = openController();
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const word = ownWord();
  const onLine = (): void => controller.abort(reason);
  const asked = runUserCommand(
    { shell: `sleep ${word} & echo up; wait` },
    { ...plain, signal: controller.signal, onLine },
  );
  assert.is(await rejection(asked), reason);
  assert.is(await isAlive(word), false);
  assert.is(await rejection(runUserCommand({ shell: 'true' }, { ...plain, signal: controller.signal })), reason);
});

test('P1: what it leaves in the background is ended with it', async () => {
  const [quiet, loud] = [ownWord(), ownWord()];
  const script = `sleep ${quiet} >/dev/null 2>&1 & sleep ${loud} & echo done`;
  const { code, answer } = await quickest(4_900, () => runUserCommand({ shell: script }, plain));
  assert.equal([code, answer], [0, 'done']);
  assert.equal([await isAlive(quiet), await isAlive(loud)], [false, false]);
});

test('P1: so is a job that was given a group of its own', async () => {
  const word = ownWord();
  const job = `set -m; sleep ${word} >/dev/null 2>&1 & echo done`;
  assert.is((await runUserCommand({ command: ['bash', '-c', job] }, plain)).code, 0);
  assert.is(await isAlive(word), false);
});

test('P1: a daemon that holds the pipe open does not hold the command up', async () => {
  const word = ownWord();
  const script = `setsid sh -c 'sleep ${word} & echo $!' & wait; exit 4`;
  const { code } = await quickest(4_900, async () => {
    const result = await runUserCommand({ shell: script }, plain);
    process.kill(Number(result.answer), 'SIGKILL');
    return result;
  });
  assert.is(code, 4);
});

test('P1: a signal that ends it is told', async () => {
  const { code, signal, isTimeout } = await runUserCommand({ shell: 'kill -KILL $$' }, plain);
  assert.equal([code, signal, isTimeout], [null, 'SIGKILL', false]);
});

test('P1: what cannot be started ends as in a shell, and says why', async (t) => {
  const none = join(await makeDirectory(t), 'none');
  const cases: [string[], Partial<UserCommandOptions>, number, string][] = [
    [['cutover-no-such-program'], {}, 127, 'cutover-no-such-program'],
    [['/etc/passwd'], {}, 126, '/etc/passwd'],
    [['true'], { dir: none }, 126, `there is no directory ${none}`],
    [['true'], { user: 'cutover-nobody-of-that-name' }, 126, 'there is no user cutover-nobody-of-that-name'],
    [['true', 'x'.repeat(3_000_000)], {}, 126, 'E2BIG'],
  ];
  for (const [[file = '', ...args], options, code, why] of cases) {
    const result = await runUserCommand({ command: [file, ...args] }, { ...plain, ...options });
    assert.is(result.code, code, why);
    assert.match(result.lastLines.join('\n'), why);
  }
});

test('P1: another user has its own groups, home and environment, and nothing of ours', async (t) => {
  process.env.CUTOVER_TEST_TOKEN = 'secret';
  t.cleanup(() => delete process.env.CUTOVER_TEST_TOKEN);
  const lines: string[] = [];
  const env = { CUTOVER_APP: 'shop' };
  const onLine = (line: string): void => void lines.push(line);
  await runUserCommand({ shell: 'id -un; id -Gn; env' }, { ...plain, user: 'www-data', dir: '/', env, onLine });
  const rest = lines.slice(2).filter((line) => !/^(PWD|OLDPWD|_|SHLVL|PATH|LANG|LANGUAGE|LC_.*|TZ)=/.test(line));
  assert.equal(lines.slice(0, 2), ['www-data', 'www-data']);
  const names = rest.map((line) => line.split('=')[0] ?? '').toSorted();
  assert.equal(names, ['CUTOVER_APP', 'HOME', 'LOGNAME', 'SHELL', 'USER']);
  const own = await runUserCommand({ shell: 'echo $CUTOVER_TEST_TOKEN' }, { ...plain, user: 'root' });
  assert.is(own.answer, null, 'nor does a command of our own user');
});

test('P1: only root changes to another user', async () => {
  process.seteuid?.(65_534);
  const result = await runUserCommand({ command: ['true'] }, { ...plain, user: 'www-data' }).finally(() =>
    process.seteuid?.(0),
  );
  assert.equal([result.code, result.lastLines], [126, ['only root may run a command as www-data']]);
});

test('S8: it does not outlive the process that ran it', async (t) => {
  const folder = await makeDirectory(t);
  await chmod(folder, 0o777);
  const mark = join(folder, 'up');
  const [heeding, stubborn] = [ownWord(), ownWord()];
  const shell = `sleep ${heeding} & trap '' TERM; sleep ${stubborn} & touch ${mark}; wait`;
  const code = `import { runUserCommand } from ${JSON.stringify(new URL('../../lib/base/user-command.ts', import.meta.url).href)};
    await runUserCommand(${JSON.stringify({ shell })}, ${JSON.stringify({ ...plain, user: 'www-data' })});`;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: 'inherit' });
  t.cleanup(() => parent.kill('SIGKILL'));
  while (!(await stat(mark).catch(() => null))) await sleep(20);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  const deadline = performance.now() + 20_000;
  while ((await isAlive(stubborn)) && performance.now() < deadline) await sleep(50);
  assert.equal([await isAlive(heeding), await isAlive(stubborn)], [false, false]);
});
