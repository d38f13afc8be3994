import { chmodSync, closeSync, constants, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec, startFed } from '../../lib/base/exec.ts';
import { shellLine } from '../../lib/base/shell-words.ts';
import { openOutput } from '../../lib/cli/output.ts';
import { makeDirectory } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/output');

/** Both ends of a pipe: what is not there yet is not waited for, and what is written waits for room. */
async function makePipe(t: TestContext): Promise<{ reader: number; writer: number }> {
  const path = join(await makeDirectory(t), 'pipe');
  await exec(['mkfifo', path], { timeoutMs: 30_000 });
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

/** What is in the pipe now. */
function readNow(reader: number): string {
  const bytes = Buffer.alloc(1024 * 1024);
  try {
    return bytes.toString('utf8', 0, readSync(reader, bytes));
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'EAGAIN');
    return '';
  }
}

test('S2: a reader that does not read is not waited for, and has everything in its order once it reads', async (t) => {
  const { reader, writer } = await makePipe(t);
  const output = openOutput(writer);
  const lines = Array.from({ length: 40_000 }, (_, at) => `line ${at}\n`);
  assert.ok(output.write('first\n'));
  assert.not.ok(output.isBehind());
  for (const line of lines) assert.ok(output.write(line));
  assert.ok(output.isBehind());
  let read = '';
  await until('all is read', async () => {
    read += readNow(reader);
    return !output.isBehind();
  });
  read += readNow(reader);
  assert.is(read, ['first\n', ...lines].join(''));
});

test('S2: who shares the descriptor is not told to wait no more', async (t) => {
  const { writer } = await makePipe(t);
  openOutput(writer).write('one line\n');
  const [, flags] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${writer}`, 'utf8')) ?? [];
  assert.is(Number.parseInt(flags ?? '', 8) & constants.O_NONBLOCK, 0);
});

/** Writes far more than a terminal takes, tells in a file whether it is kept, and ends once all is out. */
const writer = `
  const { openOutput } = await import(${JSON.stringify(new URL('../../lib/cli/output.ts', import.meta.url).href)});
  const { writeFileSync } = await import('node:fs');
  const output = openOutput(1);
  output.write(Array.from({ length: 100_000 }, (_, at) => 'line ' + at + '\\n').join(''));
  writeFileSync(process.argv[1], String(output.isBehind()));
  output.finish();
`;

test("S2: another user's terminal (sudo -u deploy) is not waited for either, and has everything in its order", async (t) => {
  const told = join(await makeDirectory(t), 'told');
  writeFileSync(told, '');
  chmodSync(dirname(told), 0o755);
  chmodSync(told, 0o666);
  const program = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', writer, '--', told];
  const line = shellLine(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...program]);
  const typed = await startFed(['script', '-qec', line, '/dev/null'], { signal: t.signal });
  await until('it has written, and nobody read', async () => readFileSync(told, 'utf8') !== '');
  assert.is(readFileSync(told, 'utf8'), 'true');
  let read = '';
  typed.stdout.setEncoding('utf8').on('data', (chunk: string) => (read += chunk));
  assert.is((await typed.ended).code, 0);
  assert.is(read, Array.from({ length: 100_000 }, (_, at) => `line ${at}\r\n`).join(''));
});

test('S2: a reader that is gone has nothing kept for it', async (t) => {
  const { reader, writer } = await makePipe(t);
  const output = openOutput(writer);
  assert.ok(output.write('x'.repeat(1024 * 1024)));
  closeSync(reader);
  assert.not.ok(output.write('more\n'));
  assert.not.ok(output.isBehind());
  output.finish();
});

test('S2: a file goes on where it was, and no terminal is taken for one', async (t) => {
  const path = join(await makeDirectory(t), 'file');
  const file = openSync(path, 'w');
  writeSync(file, 'before\n');
  const output = openOutput(file);
  assert.ok(output.write('told\n'));
  writeSync(file, 'after\n');
  output.finish();
  assert.is(readFileSync(path, 'utf8'), 'before\ntold\nafter\n');
  assert.ok(openOutput(openSync('/dev/null', 'w')).write('nobody reads it'));
});
