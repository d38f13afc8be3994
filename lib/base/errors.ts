import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a process of ours ends with; the contract's table. */
export const ExitCode = {
  done: 0,
  refused: 1,
  noBuild: 2,
  failed: 3,
  rolledBack: 4,
  usage: 64,
  unavailable: 69,
  locked: 75,
  permission: 77,
  config: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Each code a caller may test for, with the exit code it leads to. */
const exitCodeOf = {
  usage: ExitCode.usage,
  config: ExitCode.config,
  refused: ExitCode.refused,
  no_build: ExitCode.noBuild,
  failed: ExitCode.failed,
  locked: ExitCode.locked,
  permission: ExitCode.permission,
  systemd_unavailable: ExitCode.unavailable,
  bus_lost: ExitCode.unavailable,
  no_such_unit: ExitCode.refused,
  unit_masked: ExitCode.refused,
  unit_exists: ExitCode.locked,
  job_failed: ExitCode.failed,
  timeout: ExitCode.failed,
  interrupted: ExitCode.interrupted,
  // What was tried did not serve, and what was there before is proven to serve again.
  taken_back: ExitCode.rolledBack,
  // The way back stopped halfway; the run is still in flight, and the next settle goes on with it.
  unfinished: ExitCode.failed,
  // A machine that lacks a program refuses, however right the command was.
  not_found: ExitCode.refused,
  // In the middle of a run a full disk is a failure of the run; as an error it means that none could begin.
  disk: ExitCode.refused,
  sandbox: ExitCode.unavailable,
} as const;

export type ErrorCode = keyof typeof exitCodeOf;

/**
 * The one error that users meet: a fact, and the command that mends it.
 * Anything else that reaches the command line is a defect of ours.
 */
export class CutoverError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: ExitCode;
  readonly mend: string | undefined;

  /**
   * @param code what callers test for
   * @param message a fact in one sentence, without a full stop at the end of a path
   * @param more `mend`: the command or edit to make next; `cause`: the error below this one
   */
  constructor(code: ErrorCode, message: string, more: { mend?: string; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.name = 'CutoverError';
    this.code = code;
    this.exitCode = exitCodeOf[code];
    this.mend = more.mend;
  }
}

/** Whether `error` is ours, of one of the codes when any are named. */
export function isCutoverError(error: unknown, ...codes: ErrorCode[]): error is CutoverError {
  return error instanceof CutoverError && (codes.length === 0 || codes.includes(error.code));
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errno name (`ENOENT` …) of a failed system call, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Turns a failed file operation into an error that says what to do; other errors pass through. */
export function fileError(error: unknown, doing: string, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') {
    const mend =
      errno === 'EROFS'
        ? `mount -o remount,rw the file system of ${nearest(path)}`
        : `ls -ld ${path}; run as its owner, or with sudo`;
    return new CutoverError(
      'permission',
      `${doing} ${path}: ${errno === 'EROFS' ? 'the file system is read-only' : 'permission denied'}`,
      { mend, cause: error },
    );
  }
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new CutoverError('disk', `${doing} ${path}: no space left`, {
      mend: `df -h ${nearest(path)}; cutover prune`,
      cause: error,
    });
  }
  return error;
}

/** What was to be written is seldom there, and no program tells of a path that is not. */
function nearest(path: string): string {
  const parent = dirname(path);
  return parent === path || existsSync(path) ? path : nearest(parent);
}
