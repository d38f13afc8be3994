import type { ChildProcess } from 'node:child_process';
import { pipeline, type Readable, type Writable } from 'node:stream';
import { childEnvironment, type Surroundings } from './environment.ts';
import { CutoverError } from './errors.ts';
import { letGoAfterwards } from './left-output.ts';
import { killGroup, killOnAbort } from './own-group.ts';

/** A command as data: the file, then its arguments. No shell ever sees it. */
export type Command = readonly [file: string, ...args: string[]];

/** What a finished command left. `code` is null when a signal or the deadline ended it. */
export interface ExecResult {
  code: number | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

export interface ExecOptions extends Surroundings {
  /** the deadline; the process is killed after it, with what it has started */
  timeoutMs: number;
  signal?: AbortSignal;
  cwd?: string;
  /** what the command reads; a stream that fails ends its input early, and is for who gave it to look after */
  input?: string | Readable;
  /** descriptors beyond 2, inherited by number: the first becomes fd 3 */
  descriptors?: number[];
  /** at most this much of each stream is kept */
  maxBytes?: number;
  /** what it prints is not even read, which takes a millisecond less */
  isMute?: boolean;
}

/**
 * Runs a short command to its end and gives what it printed; a non-zero exit is an answer, not an error. It runs in a session of
 * its own: a Ctrl-C or the end of a terminal goes to all that it reaches, and would end what a way back is in the middle of.
 * By Node's own means: every deploy runs three of these, and execa takes 18 ms to load.
 * @throws `not_found` when the file cannot be started; the signal's reason when aborted
 */
export async function exec(command: Command, options: ExecOptions): Promise<ExecResult> {
  const { timeoutMs, signal, cwd, input, maxBytes = Number.POSITIVE_INFINITY } = options;
  const began = performance.now();
  const child = await spawned(command, options);
  const letLive = killOnAbort(child, signal);
  const late = setTimeout(() => killGroup(child), timeoutMs);
  letGoAfterwards(child, began + timeoutMs);
  const [stdout, stderr] = [collect(child.stdout, maxBytes), collect(child.stderr, maxBytes)];
  give(child.stdin, input);
  try {
    const code = await endOf(child, cwd === undefined ? command[0] : `${command[0]} in ${cwd}`);
    // What ended well before it was killed is done.
    if (code !== 0) signal?.throwIfAborted();
    const timedOut = child.killed && performance.now() - began >= timeoutMs;
    return { code, stdout: stdout(), stderr: stderr(), timedOut };
  } finally {
    clearTimeout(late);
    letLive();
  }
}

async function spawned(
  [file, ...args]: Command,
  { signal, cwd, input, descriptors = [], isMute = false, ...surroundings }: ExecOptions,
): Promise<ChildProcess> {
  const { spawn } = await import('node:child_process');
  signal?.throwIfAborted();
  const output = isMute ? 'ignore' : 'pipe';
  return spawn(file, args, {
    cwd,
    env: childEnvironment(surroundings),
    stdio: [input === undefined ? 'ignore' : 'pipe', output, output, ...descriptors],
    detached: true,
  });
}

/** A program that does not read its input to the end is free not to. */
function give(stdin: Writable | null, input: ExecOptions['input']): void {
  stdin?.on('error', () => {});
  if (typeof input === 'object' && stdin) pipeline(input, stdin, () => {});
  else stdin?.end(input);
}

function endOf(child: ChildProcess, what: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(cannotStart(what, error)));
    child.once('close', resolve);
  });
}

/** Keeps what a stream gives, up to a limit; the last line's end is left out. */
function collect(stream: Readable | null, maxBytes: number): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (bytes < maxBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8').replace(/\n$/, '');
}

/** A process that goes on while its caller does something else. Read both streams, or `resume()` them. */
export interface StartedProcess {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** resolves when the process is gone; its streams may still hold what it printed last */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends a signal; false when the process is gone already. */
  kill(signal?: NodeJS.Signals): boolean;
}

/**
 * Starts a command and gives it back while it runs; an aborted signal sends it SIGKILL. A terminal's signals reach it too.
 * @throws `not_found` when the file cannot be started
 */
export async function start(
  command: Command,
  options: Pick<ExecOptions, 'signal' | 'cwd' | 'env'> = {},
): Promise<StartedProcess> {
  const { execa } = await import('execa');
  const [file, ...args] = command;
  const child = execa(file, args, {
    cwd: options.cwd,
    env: childEnvironment(options),
    extendEnv: false,
    cancelSignal: options.signal,
    killSignal: 'SIGKILL',
    reject: false,
    buffer: false,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid, stdout, stderr } = child;
  if (pid === undefined || !stdout || !stderr) throw cannotStart(file, await child);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return { pid, stdout, stderr, ended, kill: (signal = 'SIGTERM') => child.kill(signal) };
}

/**
 * Runs a command on the streams of this process to its end; an aborted signal sends it SIGKILL.
 * @returns its exit code, or the signal that ended it
 * @throws `not_found` when the file cannot be started
 */
export async function runAttached(
  [file, ...args]: Command,
  signal: AbortSignal,
): Promise<{ code: number | null; endedBy: NodeJS.Signals | null }> {
  const { spawn } = await import('node:child_process');
  const child = spawn(file, args, { env: childEnvironment({}), stdio: ['ignore', 'inherit', 'inherit'] });
  const letLive = killOnAbort(child, signal);
  return new Promise<{ code: number | null; endedBy: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', (error) => reject(cannotStart(file, error)));
    child.once('exit', (code, endedBy) => resolve({ code, endedBy }));
  }).finally(letLive);
}

/** A process that is fed while it runs. */
export interface FedProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** resolves when the process is gone and its streams are read; with what it complained of, shortened */
  readonly ended: Promise<{ code: number | null; stderr: string }>;
  kill(): boolean;
}

/**
 * Starts a command that is given its input bit by bit. Read its output; an aborted signal sends it SIGKILL. It runs in a session
 * of its own, as with `exec`.
 * A process that does not read its input to the end is free not to: `stdin` says nothing of that.
 */
export async function startFed(
  [file, ...args]: Command,
  { signal, ...surroundings }: Surroundings & { signal?: AbortSignal },
): Promise<FedProcess> {
  const { spawn } = await import('node:child_process');
  signal?.throwIfAborted();
  const env = childEnvironment(surroundings);
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const letLive = killOnAbort(child, signal);
  child.stdin.on('error', () => {});
  const stderr = collect(child.stderr, 64 * 1024);
  const ended = endOf(child, file)
    .then((code) => ({ code, stderr: stderr() }))
    .finally(letLive);
  // Whoever fails before that must not fail twice.
  ended.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, ended, kill: () => killGroup(child) };
}

function cannotStart(what: string, cause: { message?: string; originalMessage?: string }): CutoverError {
  const why = cause.originalMessage ?? cause.message ?? 'it does not run';
  return new CutoverError('not_found', `cannot start ${what}: ${why}`, { mend: `which ${what.split(' ')[0]}`, cause });
}
