import { type ChildProcessByStdio, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { messageOf } from './errors.ts';
import { readLines } from './lines.ts';
import { type ProcessTree, treeOf } from './process-tree.ts';
import { prepare } from './user-command/prepare.ts';
import { sleep, withDeadline } from './wait.ts';

/** What a user configured to be run: a line for `/bin/sh -c`, or a command that no shell sees. */
export type UserRun = { shell: string } | { command: readonly [string, ...string[]] };

export interface UserCommandOptions {
  /** a name or number; null: as who we are. Another user starts with an environment of its own */
  user: string | null;
  /** where it runs; null: where we are */
  dir: string | null;
  /** added to the environment */
  env: Record<string, string>;
  /** after this it is ended, with all that it started */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Receives each line as it comes; a promise slows the command down to the pace of its reader. Must not throw. */
  onLine?: (line: string, from: OutputStream) => void | Promise<void>;
  /** so much is handed on at most, in characters; 16 MiB when unset */
  maxOutput?: number;
  /** Does something with its process before the command begins, as to put it into a control group. Must not throw. */
  enter?: (pid: number) => Promise<void>;
}

export type OutputStream = 'stdout' | 'stderr';

/** What came of a user's command. What cannot be started has ended with 126 or 127, as in a shell. */
export interface UserCommandResult {
  /** null: a signal or the deadline ended it */
  code: number | null;
  signal: NodeJS.Signals | null;
  isTimeout: boolean;
  durationMs: number;
  /** the last lines of both streams as they came, newest last */
  lastLines: string[];
  /** the last line of stdout that is not empty */
  answer: string | null;
  /** processes that could not be ended, as those of another user */
  left: number[];
}

/** From SIGTERM to SIGKILL. */
const graceMs = 5_000;
/** What ended may still have something in its pipes; what is left of it, to say or to end by itself. */
const drainMs = 250;
const keptLines = 20;
/** A flood must not fill the disk that a log is on. */
const maxOutputLength = 16 * 1024 * 1024;
/** Waits for a line on descriptor 3, then becomes what its words say; without that line it is nothing. */
const gate = ['/bin/sh', '-c', 'read -r go <&3 && exec "$@" 3<&-', 'gate'] as const;

/**
 * Runs a user's command in a session of its own, without a terminal and without input, to its end. It ends with all
 * that it started: at the deadline, when aborted, and when it is over itself (what is to go on needs `systemd-run`).
 * Nor does it outlive this process: the kernel then tells timeout(1) (prctl(2), PR_SET_PDEATHSIG), which ends its group.
 * @throws the signal's reason when aborted, once nothing of the command is left
 */
export async function runUserCommand(run: UserRun, options: UserCommandOptions): Promise<UserCommandResult> {
  options.signal?.throwIfAborted();
  const began = performance.now();
  const words = 'shell' in run ? ['/bin/sh', '-c', run.shell] : run.command;
  const output = outputFor(options);
  const { isCut, ...ended } = await launch(words, options).then(
    (child) => follow(child, { ...options, output }),
    (error: unknown) => notStarted(error, output),
  );
  if (isCut) options.signal?.throwIfAborted();
  return { ...ended, isTimeout: isCut, durationMs: Math.round(performance.now() - began), ...output.said() };
}

interface Ended extends Pick<UserCommandResult, 'code' | 'signal' | 'left'> {
  /** it was ended before its time */
  isCut: boolean;
}

async function notStarted(error: unknown, output: Output): Promise<Ended> {
  await output.take(messageOf(error), 'stderr');
  return { code: 126, signal: null, left: [], isCut: false };
}

type Started = ChildProcessByStdio<null, Readable, Readable> & { pid: number };

/** @throws what keeps it from being started */
async function launch(words: readonly string[], options: UserCommandOptions): Promise<Started> {
  const { command, env, dir } = await prepare(words, { ...options, graceMs });
  const { enter } = options;
  const [file, ...args] = enter ? [...gate, ...command] : command;
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(enter ? (['pipe'] as const) : [])];
  const child = spawn(file, args, { cwd: dir, env, detached: true, stdio });
  if (child.pid === undefined) await once(child, 'spawn');
  if (enter && child.pid !== undefined) {
    await enter(child.pid);
    const door = child.stdio[3] as Writable;
    // It may have been killed at its door.
    door.on('error', () => {}).end('\n');
  }
  return child as Started;
}

async function follow(
  child: Started,
  { timeoutMs, signal, output }: Pick<UserCommandOptions, 'timeoutMs' | 'signal'> & { output: Output },
): Promise<Ended> {
  const { pid, stdout, stderr } = child;
  const tree = treeOf(pid);
  const reading = Promise.allSettled([
    readLines(stdout, (line) => output.take(line, 'stdout')),
    readLines(stderr, (line) => output.take(line, 'stderr')),
  ]);
  const ended = await withDeadline({ what: 'it did not end', timeoutMs, signal }, () => endOf(child)).catch(() => null);
  if (ended) await Promise.race([reading.then(() => untilEmpty(tree)), sleep(drainMs)]);
  const left = await tree.end(graceMs);
  await untilQuiet(reading, output);
  // Somebody who left the tree may hold a pipe open for good.
  stdout.destroy();
  stderr.destroy();
  return ended ? { ...ended, left, isCut: false } : { code: null, signal: null, left, isCut: true };
}

/** Everything was read, or nothing more comes. */
async function untilQuiet(reading: Promise<unknown>, output: Output): Promise<void> {
  const deadline = performance.now() + graceMs;
  for (let seen = -1; seen !== output.count() && performance.now() < deadline; ) {
    seen = output.count();
    const isOver = await Promise.race([reading.then(() => true), sleep(drainMs).then(() => false)]);
    if (isOver) return;
  }
}

async function untilEmpty(tree: ProcessTree): Promise<void> {
  const deadline = performance.now() + drainMs;
  while (tree.members().length > 0 && performance.now() < deadline) await sleep(drainMs / 10);
}

async function endOf(child: Started): Promise<Pick<Ended, 'code' | 'signal'>> {
  const { exitCode, signalCode } = child;
  // One that was killed at its door has told so already.
  if (exitCode !== null || signalCode !== null) return { code: exitCode, signal: signalCode };
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

interface Output {
  take: (line: string, from: OutputStream) => void | Promise<void>;
  /** how many lines were taken */
  count: () => number;
  said: () => Pick<UserCommandResult, 'lastLines' | 'answer'>;
}

/** Hands lines on until there are too many; the last ones are kept in any case. */
function outputFor({ onLine, maxOutput = maxOutputLength }: UserCommandOptions): Output {
  const lastLines: string[] = [];
  let answer: string | null = null;
  let [length, count] = [0, 0];
  return {
    count: () => count,
    take(line, from) {
      count += 1;
      lastLines.push(line);
      if (lastLines.length > keptLines) lastLines.shift();
      if (from === 'stdout' && line.trim() !== '') answer = line.trim();
      if (length > maxOutput) return;
      length += line.length + 1;
      return onLine?.(length > maxOutput ? '… the rest of a flood of output is left out' : line, from);
    },
    said: () => ({ lastLines, answer }),
  };
}
