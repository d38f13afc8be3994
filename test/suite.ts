import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { keepThreadPoolAwake } from '../lib/base/thread-pool.ts';
import { patient } from './patient.ts';
import { beginMark, type Totals, totalsMark } from './totals.ts';

/** What a test receives. */
export interface TestContext {
  readonly name: string;
  /** aborted when the test has used up its time */
  readonly signal: AbortSignal;
  /** Runs after the test, whatever its end: the last one added first. A failing one fails the test. */
  cleanup(undo: () => unknown): void;
}

export type TestFunction = (t: TestContext) => unknown;

export interface TestOptions {
  /** after this the test has failed; default 60 s, or the suite's */
  timeoutMs?: number;
}

/** Declares one test. There is no `.run()`, and `.only`, `.skip`, `.before` and `.after` are refused. */
export type Suite = (name: string, test: TestFunction, options?: TestOptions) => void;

const defaultTimeoutMs = 60_000;
const endTimeoutMs = 60_000;
const refused = ['only', 'skip', 'before', 'after', 'run'] as const;

keepThreadPoolAwake();

// uvu would start by itself and give nobody its end: with UVU_DEFER it waits for our exec().
Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: [[null]] });
const uvu = await import('uvu');

const totals: Totals = { declared: 0, passed: 0, failed: 0, names: [] };
const suites: { name: string; count: number; start: () => void }[] = [];
const endings: (() => unknown)[] = [];
let state: 'declaring' | 'running' | 'over' = 'declaring';
let running: string | undefined;

/**
 * Opens a suite; its tests run by themselves, one after the other, once the file has been evaluated.
 * @param name what the tests below are about
 */
export function suite(name: string, { timeoutMs = defaultTimeoutMs }: TestOptions = {}): Suite {
  requireDeclaring(name);
  const inner = uvu.suite(name);
  const entry = { name, count: 0, start: () => inner.run() };
  if (suites.length === 0) setImmediate(() => void runAll());
  suites.push(entry);
  const declare: Suite = (testName, test, options = {}) => {
    requireDeclaring(testName);
    const title = `${name}: ${testName}`;
    entry.count += 1;
    totals.declared += 1;
    totals.names.push(title);
    inner(testName, () => runTest(title, test, options.timeoutMs ?? timeoutMs));
  };
  return Object.assign(declare, Object.fromEntries(refused.map((word) => [word, () => refuse(word)])));
}

/** Adds what has to be ended after the last test of this file; a failing one fails the file. */
export function atEnd(end: () => unknown): void {
  endings.push(end);
}

function requireDeclaring(name: string): void {
  if (state !== 'declaring') throw new Error(`"${name}" was declared after the tests had begun`);
}

function refuse(word: string): never {
  throw new Error(`.${word} is refused: every test runs, sets itself up, and cleans up through t.cleanup`);
}

async function runAll(): Promise<void> {
  // A top-level await may still hold the file up; a test that it declares afterwards would be lost.
  await import(pathToFileURL(process.argv[1] ?? '').href);
  state = 'running';
  for (const { name, count, start } of suites) {
    if (count === 0) fail(`${name}: has tests`, new Error('the suite is empty'), 0);
    start();
  }
  await uvu.exec();
  for (const end of endings.toReversed()) {
    await inTime('the end of the file', endTimeoutMs, end).catch((error: unknown) =>
      fail('the end of the file', error, 0),
    );
  }
  state = 'over';
  console.log(`${totalsMark}${JSON.stringify(totals)}`);
  // A handle that a test left open must not keep the file.
  process.exit(totals.failed > 0 || totals.declared === 0 ? 1 : 0);
}

async function runTest(title: string, test: TestFunction, timeoutMs: number): Promise<void> {
  const began = performance.now();
  running = title;
  console.log(`\n${beginMark}${title}`);
  const errors = await errorsOf(title, test, timeoutMs);
  const tookMs = performance.now() - began;
  running = undefined;
  if (errors.length === 0) {
    totals.passed += 1;
    console.log(`ok ${title} (${tookMs.toFixed(0)} ms)`);
    return;
  }
  for (const error of errors.slice(1)) console.log(`also: ${inspect(error)}`);
  fail(title, errors[0], tookMs);
  // uvu breaks on anything that is no Error, and shows the difference of one that is.
  throw errors[0] instanceof Error ? errors[0] : new Error(`thrown: ${inspect(errors[0])}`);
}

async function errorsOf(title: string, test: TestFunction, timeoutMs: number): Promise<unknown[]> {
  const undos: (() => unknown)[] = [];
  const late = new AbortController();
  const t: TestContext = { name: title, signal: late.signal, cleanup: (undo) => void undos.push(undo) };
  const errors: unknown[] = [];
  await inTime(title, patient(timeoutMs), () => test(t)).catch((error: unknown) =>
    errors.push(error ?? new Error('nothing was thrown')),
  );
  late.abort();
  for (let undo = undos.pop(); undo; undo = undos.pop()) {
    await inTime(`a clean-up of ${title}`, endTimeoutMs, undo).catch((error: unknown) => errors.push(error));
  }
  return errors;
}

function fail(title: string, error: unknown, tookMs: number): void {
  totals.failed += 1;
  console.log(`FAILED ${title} (${tookMs.toFixed(0)} ms)\n${inspect(error)}`);
}

async function inTime(what: string, timeoutMs: number, work: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} was not over after ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    await Promise.race([Promise.resolve().then(work), late]);
  } finally {
    clearTimeout(timer);
  }
}

process.on('exit', () => {
  if (state === 'over') return;
  console.log(`FAILED ${running ?? 'the file'}: the process ended before its tests did`);
  process.exitCode = 1;
});
