import { CutoverError, isCutoverError } from '../base/errors.ts';
import { type Command, exec, type ExecOptions, type ExecResult } from '../base/exec.ts';
import { redactText } from '../config/secrets.ts';

/** How long a store may take to answer, and what ends the wait before. */
export interface Patience {
  timeoutMs: number;
  signal?: AbortSignal;
}

/** So much of what a program said on its way out tells why. */
const saidLines = 4;

/** What begins to tell why; a server may warn of many things before. */
const errorLine = /\b(?:ERROR|FATAL|PANIC|error):/;

/** A program that failed. */
class ProgramFailure extends CutoverError {
  /** all of what it said; the message is a part of that */
  readonly said: string;

  constructor(code: 'refused' | 'disk', message: string, more: { mend: string | undefined; said: string }) {
    super(code, message, more);
    this.said = more.said;
  }
}

/** All that a program said which failed, of which the message may be a part; of any other error nothing. */
export function saidIn(thrown: unknown): string {
  return thrown instanceof ProgramFailure ? thrown.said : '';
}

/**
 * Runs a store's own program to its end. It dies with this process: left alone, a restore would go on under a service
 * that somebody has started meanwhile.
 * @param about how errors name the store
 * @throws `refused` when the program is missing, fails, or is late; `disk` when there was no space; the signal's reason
 */
export async function runProgram(
  about: string,
  command: Command,
  { from, ...options }: ExecOptions & { from: string },
): Promise<string> {
  const [program] = command;
  const known = { ...options, env: { LC_ALL: 'C.UTF-8', ...options.env } };
  const result = await exec(['setpriv', '--pdeathsig', 'KILL', '--', ...command], known).catch((error: unknown) => {
    throw isCutoverError(error, 'not_found') ? missing('setpriv', 'util-linux') : error;
  });
  if (result.code === 0) return result.stdout;
  // setpriv(1) ends with 127 when there is no such program; pg_wrapper has a sentence of its own.
  if (isMissing(program, result)) throw missing(program, from);
  throw failureOf(about, result, options.timeoutMs);
}

function isMissing(program: string, { code, stderr }: ExecResult): boolean {
  return code === 127 || stderr.includes(`setpriv: failed to execute ${program}`) || /you must install/i.test(stderr);
}

function missing(program: string, from: string): CutoverError {
  return new CutoverError('refused', `${program} is not installed`, { mend: `apt-get install ${from}` });
}

function failureOf(about: string, { code, stderr, stdout, timedOut }: ExecResult, timeoutMs: number): CutoverError {
  if (timedOut) return new CutoverError('refused', `${about}: no answer within ${timeoutMs / 1000} s`);
  const said = redactText(stderr.trim() || stdout.trim());
  const isFull = /No space left on device|disk is full|Disk quota exceeded/i.test(stderr);
  const mend = isFull ? 'df -h; cutover prune' : undefined;
  const message = `${about}: ${shortOf(said) || `ended with ${code ?? 'a signal'}`}`;
  return new ProgramFailure(isFull ? 'disk' : 'refused', message, { mend, said });
}

function shortOf(said: string): string {
  const lines = said.split(/\s*\n\s*/);
  const why = lines.findIndex((line) => errorLine.test(line));
  const first = Math.max(0, why);
  return lines.slice(first, first + saidLines).join('; ');
}
