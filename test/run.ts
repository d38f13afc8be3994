import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepThreadPoolAwake } from '../lib/base/thread-pool.ts';
import { patient } from './patient.ts';
import { beginMark, type Totals, totalsMark } from './totals.ts';

// Usage: node --import tsx test/run.ts [--in FOLDER] [part of a file's name …]
// Four files run at once, since they wait most of the time. One says `// runs: alone` if nothing else may go on meanwhile, and
// `// deadline: 10min` for more than 5 minutes.

interface TestFile {
  path: string;
  name: string;
  deadlineMs: number;
  /** how many such files may run at once */
  atOnce: number;
}

interface Outcome {
  passed: number;
  failed: number;
}

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const defaultDeadlineMs = 5 * 60_000;
const usuallyAtOnce = 4;
const lastWordsMs = 1000;
const processes = new Set<number>();

keepThreadPoolAwake();
const words = process.argv.slice(2);
const folder = words[0] === '--in' ? (words.splice(0, 2)[1] ?? '') : join(repository, 'test');
process.exitCode = await main(folder, words);

async function main(folder: string, words: string[]): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopAll(signal));
  const files = await findFiles(folder, words);
  const outcomes: Outcome[] = [];
  const work = async (queue: TestFile[]): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) outcomes.push(await runFile(file));
  };
  for (const atOnce of [usuallyAtOnce, 1]) {
    const queue = files.filter((file) => file.atOnce === atOnce);
    await Promise.all(Array.from({ length: atOnce }, () => work(queue)));
  }
  if (outcomes.length === 0) console.log(`no test file in ${folder} matches ${words.join(' ') || '*.test.ts'}`);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

async function findFiles(folder: string, words: string[]): Promise<TestFile[]> {
  const names = await readdir(folder, { recursive: true });
  const wanted = names
    .filter((name) => name.endsWith('.test.ts'))
    .filter(
      (name) => words.length === 0 || words.some((word) => join(relative(repository, folder), name).includes(word)),
    );
  return Promise.all(wanted.toSorted().map((name) => readTestFile(join(folder, name), name)));
}

async function readTestFile(path: string, name: string): Promise<TestFile> {
  const text = await readFile(path, 'utf8');
  const [, amount, unit] = /^\/\/ deadline: ?(\d+) ?(s|min)$/m.exec(text) ?? [];
  return {
    path,
    name,
    // A word that is spelt wrong does no harm: its file runs alone too.
    atOnce: /^\/\/ runs: /m.test(text) ? 1 : usuallyAtOnce,
    deadlineMs: patient(amount ? Number(amount) * (unit === 's' ? 1000 : 60_000) : defaultDeadlineMs),
  };
}

async function runFile(file: TestFile): Promise<Outcome> {
  const began = performance.now();
  const { output, code, late } = await runProcess(file);
  const totals = readTotals(output);
  const problem = problemOf({ totals, code, late, file });
  const shown = output.split('\n').filter((line) => !line.startsWith(totalsMark) && !line.startsWith(beginMark));
  console.log(`\n=== ${file.name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  console.log(shown.join('\n').trim());
  const outcome = { passed: totals?.passed ?? 0, failed: totals?.failed ?? 0 };
  if (problem === null) return outcome;
  const last = output.split('\n').findLast((line) => line.startsWith(beginMark));
  console.log(`FAILED ${file.name}: ${problem}${last ? `; the last test was "${last.slice(beginMark.length)}"` : ''}`);
  return { ...outcome, failed: outcome.failed + 1 };
}

/** What is wrong with a file beyond the failures that it counted itself. */
function problemOf({
  totals,
  code,
  late,
  file,
}: {
  totals: Totals | null;
  code: number | null;
  late: boolean;
  file: TestFile;
}) {
  if (late) return `not over after ${file.deadlineMs / 1000} s`;
  if (!totals) return `the process ended (code ${code}) without the totals of its tests`;
  if (totals.declared === 0) return 'no test was declared';
  // A failure outside of any test (an empty suite, the file's end) makes failed larger, never passed.
  if (totals.passed + totals.failed < totals.declared) return `${totals.declared} tests were declared, fewer ran`;
  if (totals.names.length !== totals.declared) return 'the names and the number of tests differ';
  if (code !== (totals.failed > 0 ? 1 : 0)) return `the process ended with code ${code}`;
  return null;
}

function readTotals(output: string): Totals | null {
  const line = output.split('\n').findLast((text) => text.startsWith(totalsMark));
  try {
    if (!line) return null;
    const totals: Totals = JSON.parse(line.slice(totalsMark.length));
    return totals;
  } catch {
    return null;
  }
}

async function runProcess({
  path,
  deadlineMs,
}: TestFile): Promise<{ output: string; code: number | null; late: boolean }> {
  // A group of its own, so that the deadline reaches what the tests have started too.
  const child = spawn(process.execPath, ['--import', 'tsx', path], {
    cwd: repository,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid !== undefined) processes.add(pid);
  let output = '';
  let late = false;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const timer = setTimeout(() => {
    late = true;
    killGroup(pid);
  }, deadlineMs);
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    // A process that the test left behind may hold the pipes open for ever: end it, and its pipes end. Nothing reaches one that
    // has left the group: what was said until then has to do.
    child.once('exit', (status) => {
      killGroup(pid);
      setTimeout(() => {
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
        resolve(status);
      }, lastWordsMs).unref();
    });
    child.once('error', (error) => {
      output += String(error);
      resolve(null);
    });
  });
  clearTimeout(timer);
  if (pid !== undefined) processes.delete(pid);
  return { output, code, late };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty: nothing was left.
  }
}

function stopAll(signal: NodeJS.Signals): void {
  for (const pid of processes) killGroup(pid);
  process.kill(process.pid, signal);
}
