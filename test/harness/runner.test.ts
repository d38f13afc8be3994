import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';

const folderOfTests = dirname(dirname(fileURLToPath(import.meta.url)));
const test = suite('harness');

const good = "test('good', () => {});";

test('counts what passes', async (t) => {
  const { code, last } = await runBodies(t, [`${good} test('waits', () => Promise.resolve());`, good]);
  assert.equal([code, last], [0, '3 passed, 0 failed']);
});

/** What a file does wrong, the totals that must follow, and what must be said about it. */
const mistakes: [what: string, body: string, last: string, said: string][] = [
  ['a failing test', `${good} test('bad', () => { throw new Error('boom'); });`, '1 passed, 1 failed', 'boom'],
  ['a rejected promise', "test('bad', async () => { throw new Error('boom'); });", '0 passed, 1 failed', 'boom'],
  ['a thrown string', `${good} test('bad', () => { throw 'only text'; });`, '1 passed, 1 failed', 'only text'],
  ['a thrown nothing', `${good} test('bad', () => { throw undefined; });`, '1 passed, 1 failed', 'nothing was thrown'],
  [
    'a failing clean-up',
    `test('c', (t) => { t.cleanup(() => { throw new Error('left'); }); });`,
    '0 passed, 1 failed',
    'left',
  ],
  [
    'a failing clean-up of a failing test',
    "test('c', (t) => { t.cleanup(() => { throw 'left'; }); throw new Error('first'); });",
    '0 passed, 1 failed',
    'left',
  ],
  [
    'a hanging test',
    `test('hangs', () => new Promise(() => {}), { timeoutMs: 50 }); ${good}`,
    '1 passed, 1 failed',
    'hangs was not over after 0.05 s',
  ],
  [
    'an exit inside of a test',
    `${good} test('leaves', () => process.exit(0));`,
    '0 passed, 1 failed',
    'the last test was "s: leaves"',
  ],
  ['an exit while declaring', `${good} process.exit(0);`, '0 passed, 1 failed', 'without the totals'],
  ['a throw while declaring', `${good} throw new Error('no set-up');`, '0 passed, 1 failed', 'no set-up'],
  [
    'an error that nobody awaits',
    "test('forgets', async () => { void Promise.reject(new Error('loose')); await new Promise((r) => setTimeout(r, 50)); });",
    '0 passed, 1 failed',
    'loose',
  ],
  ['a suite without tests', '', '0 passed, 2 failed', 'the suite is empty'],
  ['an empty suite beside a good one', `${good} suite('other');`, '1 passed, 1 failed', 'the suite is empty'],
  ['.only', `test.only('one', () => {}); ${good}`, '0 passed, 1 failed', '.only is refused'],
  ['.skip', `test.skip('one', () => {}); ${good}`, '0 passed, 1 failed', '.skip is refused'],
  ['a hook', `test.before(() => {}); ${good}`, '0 passed, 1 failed', '.before is refused'],
  [
    'a test declared too late',
    `${good} test('waits', () => { setTimeout(() => test('late', () => {}), 0); return new Promise((r) => setTimeout(r, 100)); });`,
    '0 passed, 1 failed',
    'declared after the tests had begun',
  ],
  [
    'a file whose end fails',
    `${good} atEnd(() => { throw new Error('not ended'); });`,
    '1 passed, 1 failed',
    'not ended',
  ],
  [
    'a loop without end',
    "// deadline: 9s\ntest('spins', () => { for (;;); });",
    '0 passed, 1 failed',
    'the last test was "s: spins"',
  ],
];

for (const [what, body, last, said] of mistakes) {
  test(`fails on ${what}`, async (t) => {
    const result = await runBodies(t, [body]);
    assert.is(result.code, 1);
    assert.is(result.last, last);
    assert.ok(result.output.includes(said), `"${said}" is not in:\n${result.output}`);
  });
}

test('waits for a file that awaits something between two tests', async (t) => {
  const { last } = await runBodies(t, [
    `${good} await new Promise((r) => setTimeout(r, 50)); test('later', () => {});`,
  ]);
  assert.is(last, '2 passed, 0 failed');
});

test('fails on a file without a suite, and on one that is empty', async (t) => {
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'empty.test.ts'), '');
  await writeFile(join(folder, 'silent.test.ts'), `import '${pathToFileURL(join(folderOfTests, 'suite.ts')).href}';`);
  assert.equal(await lastOf(folder), [1, '0 passed, 2 failed']);
});

test('fails when no file is found', async (t) => {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'below'));
  assert.equal(await lastOf(folder), [1, '0 passed, 0 failed']);
});

test('is not kept waiting by an open handle or a process left behind', async (t) => {
  const open = 'setInterval(() => {}, 1000);';
  const left = "const { spawn } = await import('node:child_process'); spawn('sleep', ['600'], { stdio: 'inherit' });";
  const began = performance.now();
  const { last } = await runBodies(t, [`${good} ${open}`, `test('leaves one', async () => { ${left} });`]);
  assert.is(last, '2 passed, 0 failed');
  assert.ok(performance.now() - began < 30_000);
});

test('is not kept waiting by a process that has left the group and holds the pipes', async (t) => {
  const folder = await makeFolder(t);
  const left = `const { spawn } = await import('node:child_process'); const { writeFileSync } = await import('node:fs');
    const child = spawn('sleep', ['600'], { stdio: 'inherit', detached: true }); writeFileSync('${folder}/pid', String(child.pid));`;
  t.cleanup(async () => process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), 'SIGKILL'));
  const { last } = await runBodies(t, [`test('leaves one', async () => { ${left} });`]);
  assert.is(last, '1 passed, 0 failed');
});

test('runs clean-ups of a failed test too, the last one first, and ends the file last', async (t) => {
  const body = `atEnd(() => console.log('say end'));
    test('c', (t) => { t.cleanup(() => console.log('say one')); t.cleanup(() => console.log('say two')); throw new Error(); });
    test('d', () => console.log('say next'));`;
  const { output } = await runBodies(t, [body]);
  assert.equal(output.match(/say \w+/g), ['say two', 'say one', 'say next', 'say end']);
});

async function runBodies(t: TestContext, bodies: string[]): Promise<{ code: number; last: string; output: string }> {
  const folder = await makeFolder(t);
  const suiteFile = pathToFileURL(join(folderOfTests, 'suite.ts')).href;
  for (const [i, body] of bodies.entries()) {
    const text = `import { atEnd, suite } from '${suiteFile}';\nconst test = suite('s');\n${body}\n`;
    await writeFile(join(folder, `f${i}.test.ts`), text);
  }
  return run(folder);
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-harness-'));
  t.cleanup(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return folder;
}

async function lastOf(folder: string): Promise<[code: number, last: string]> {
  const { code, last } = await run(folder);
  return [code, last];
}

function run(folder: string): Promise<{ code: number; last: string; output: string }> {
  const args = ['--import', 'tsx', join(folderOfTests, 'run.ts'), '--in', folder];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: dirname(folderOfTests) }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      resolve({ code: Number(error?.code ?? 0), last: stdout.trim().split('\n').at(-1) ?? '', output });
    });
  });
}
