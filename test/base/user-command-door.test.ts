import { setTimeout as sleep } from 'node:timers/promises';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { runUserCommand, type UserCommandOptions } from '../../lib/base/user-command.ts';
import { makeDirectory } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('base/user-command: its door');
const plain: UserCommandOptions = { user: null, dir: null, env: {}, timeoutMs: 10_000 };

test('P1: what is done with its process is over before the command begins', async () => {
  const order: string[] = [];
  const result = await runUserCommand(
    { shell: 'echo begins $$' },
    {
      ...plain,
      onLine: (line) => void order.push(line),
      async enter(pid) {
        await sleep(200);
        order.push(`entered ${(await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes('gate')}`);
      },
    },
  );
  assert.is(result.code, 0);
  assert.is(order.length, 2);
  assert.is(order[0], 'entered true');
  assert.match(order[1] ?? '', /^begins \d+$/);
});

test('P1: it is killed before the command begins: that is its end, at once', async () => {
  const began = performance.now();
  const lines: string[] = [];
  const result = await runUserCommand(
    { shell: 'echo begun' },
    {
      ...plain,
      timeoutMs: 60_000,
      onLine: (line) => void lines.push(line),
      async enter(pid) {
        process.kill(pid, 'SIGKILL');
        await sleep(200);
      },
    },
  );
  assert.equal([result.code, result.signal, result.isTimeout, lines], [null, 'SIGKILL', false, []]);
  assert.ok(performance.now() - began < 30_000);
});

/** What timeout(1) is for a moment after its fork: it has a child and does not know it yet, so that it ends alone. */
const forking = `#!/bin/sh
shift 2
trap 'exit 143' TERM
"$@" &
echo forked
while :; do :; done
`;

test('S8: told to end before it waits for the command, timeout ends alone: the command has not begun then', async (t) => {
  const folder = await makeDirectory(t);
  await writeFile(join(folder, 'timeout'), forking, { mode: 0o755 });
  const { PATH } = process.env;
  process.env.PATH = `${folder}:${PATH}`;
  t.cleanup(() => (process.env.PATH = PATH));
  let pid = 0;
  const onLine = (line: string): void =>
    void (line === 'forked' && setTimeout(() => process.kill(pid, 'SIGTERM'), 300));
  const enter = async (own: number): Promise<void> => void (pid = own);
  const { code, lastLines } = await runUserCommand({ shell: 'echo it runs' }, { ...plain, enter, onLine });
  assert.equal([code, lastLines[0]], [143, 'forked'], lastLines.join());
  assert.not.match(lastLines.join(), 'it runs');
});

test('P1: descriptors of ours, and the door itself, are closed to the command', async () => {
  const ls = { command: ['ls', '/proc/self/fd'] } as const;
  const without = await runUserCommand(ls, plain);
  const through = await runUserCommand(ls, { ...plain, enter: async () => {} });
  assert.is(through.lastLines.length, without.lastLines.length, through.lastLines.join(' '));
});

test('W4: it gets where programs and home are, what it is given, and nothing else of ours', async (t) => {
  Object.assign(process.env, { SOME_TOKEN: 'planted-secret', NODE_OPTIONS: '', TZ: 'UTC' });
  t.cleanup(() => {
    for (const name of ['SOME_TOKEN', 'NODE_OPTIONS', 'TZ']) delete process.env[name];
  });
  // Names that who starts it may use for itself.
  const own = { CUTOVER_APP: 'shop', pid: 'a', name: 'a  b', state: 'S', rest: '' };
  const { lastLines } = await runUserCommand({ command: ['env'] }, { ...plain, env: own });
  for (const [name, value] of Object.entries(own)) assert.ok(lastLines.includes(`${name}=${value}`), name);
  const names = lastLines.map((line) => line.split('=')[0] ?? '');
  const known = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS)$/;
  assert.equal(
    names.filter((name) => !known.test(name) && !Object.hasOwn(own, name)),
    [],
  );
  assert.ok(
    ['PATH', 'HOME', 'TZ', 'CUTOVER_APP'].every((name) => names.includes(name)),
    names.join(' '),
  );
});

test('P5: a reader that bounds it by itself gets all of a flood', async () => {
  let length = 0;
  const onLine = (line: string): void => void (length += line.length + 1);
  const options = { ...plain, timeoutMs: 60_000, maxOutput: Number.POSITIVE_INFINITY, onLine };
  const { code } = await runUserCommand(
    { shell: 'yes 0123456789012345678901234567890123456789 | head -c 40000000' },
    options,
  );
  assert.is(code, 0);
  assert.ok(length >= 40_000_000, `${length}`);
});
