import { isCutoverError } from './errors.ts';
import { poll, withDeadline } from './wait.ts';

/** A killed process is gone as soon as the kernel has run it once more. */
export const killedMs = 10_000;

/** How long processes are given. Times are milliseconds. */
export interface Terms {
  /** the end of the sentence "... within 5 s" */
  what: string;
  /** from SIGTERM to SIGKILL */
  graceMs: number;
  /** from SIGKILL to giving up */
  killMs: number;
  /** how often they are looked for */
  everyMs: number;
  signal?: AbortSignal;
}

/**
 * Ends processes: SIGTERM, and SIGKILL to those that do not end in time.
 * @param first those that are there now
 * @param list gives those that are there still
 * @throws `timeout` when killed ones stay; the signal's reason when aborted
 */
export async function terminate(
  first: readonly number[],
  list: () => Promise<number[]>,
  { what, graceMs, killMs, everyMs, signal }: Terms,
): Promise<void> {
  const untilGone = (timeoutMs: number): Promise<true> =>
    withDeadline({ what, timeoutMs, signal }, (ended) =>
      poll({ everyMs, signal: ended }, async () => (await list()).length === 0 || undefined),
    );
  signalAll(first, 'SIGTERM');
  await untilGone(graceMs).catch(async (error: unknown) => {
    if (signal?.aborted || !isCutoverError(error, 'timeout')) throw error;
    signalAll(await list(), 'SIGKILL');
    await untilGone(killMs);
  });
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself, or is not ours to end.
    }
  }
}
