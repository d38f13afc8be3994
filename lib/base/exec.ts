import type { Readable } from 'node:stream';
import type { Options, Result } from 'execa';
import { CutoverError } from './errors.ts';

/** A command as data: the file, then its arguments. No shell ever sees it. */
export type Command = readonly [file: string, ...args: string[]];

/** What a finished command left. `code` is null when a signal or the deadline ended it. */
export interface ExecResult {
  code: number | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

export interface ExecOptions {
  /** the deadline; the process is killed after it */
  timeoutMs: number;
  signal?: AbortSignal;
  cwd?: string;
  env?: Record<string, string>;
  input?: string;
  /** descriptors beyond 2, inherited by number: the first becomes fd 3 */
  descriptors?: number[];
  /** at most this much of each stream is kept */
  maxBytes?: number;
}

/**
 * Runs a command to its end and gives what it printed; a non-zero exit is an answer, not an error.
 * @throws `not_found` when the file cannot be started; the signal's reason when aborted
 */
export async function exec(command: Command, options: ExecOptions): Promise<ExecResult> {
  const { execa } = await import('execa');
  const [file, ...args] = command;
  const result = await execa(file, args, execaOptions(options));
  options.signal?.throwIfAborted();
  if (result.exitCode === undefined && !result.signal && !result.timedOut) throw cannotStart(file, result);
  return {
    code: result.exitCode ?? null,
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? ''),
    timedOut: result.timedOut,
  };
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
 * Starts a command and gives it back while it runs; an aborted signal sends it SIGKILL.
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
    env: options.env,
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

function cannotStart(file: string, result: Result): CutoverError {
  return new CutoverError('not_found', `cannot start ${file}: ${result.originalMessage ?? 'it does not run'}`, {
    mend: `which ${file}`,
    cause: result,
  });
}

function execaOptions({ timeoutMs, signal, cwd, env, input, descriptors = [], maxBytes }: ExecOptions) {
  return {
    reject: false,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    cancelSignal: signal,
    cwd,
    env,
    maxBuffer: maxBytes,
    input,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...descriptors],
  } as unknown as Options & { reject: false };
}
