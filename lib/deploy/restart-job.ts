import { isCutoverError } from '../base/errors.ts';
import { killedMs } from '../base/terminate.ts';
import { openController, withDeadline } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import { StepFailure } from '../run/failure.ts';
import { amount } from '../systemd/facts.ts';
import type { JobResult } from '../systemd/jobs.ts';
import type { Systemd } from '../systemd/systemd.ts';

type Restartable = Pick<TargetConfig, 'unit' | 'stopTimeoutMs' | 'startTimeoutMs'>;

/** How a restart ended. */
interface Restarted {
  result: JobResult;
  /** what ran before took longer than it may take to stop, and was killed */
  wasKilled: boolean;
}

/**
 * Restarts a unit by one job, which PID 1 finishes when this process dies. What ran before is killed when it does not end within
 * `stopTimeoutMs` (milliseconds), as in a stop by itself, whatever its TimeoutStopSec= is: the job then goes on with the start, which
 * has all of its `startTimeoutMs` from there on.
 * @throws `StepFailure` systemd when what ran before does not end; `timeout` when the start does not; whatever the job throws
 */
export async function restartByJob(systemd: Systemd, target: Restartable, signal?: AbortSignal): Promise<Restarted> {
  const { unit, stopTimeoutMs, startTimeoutMs } = target;
  const old = await watchOld(systemd, unit);
  const left = openController();
  const ended = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const timeoutMs = stopTimeoutMs + killedMs + startTimeoutMs;
  const job = systemd.restart(unit, { timeoutMs, signal: ended });
  job.catch(() => {});
  try {
    const wasKilled = await seeOldEnd(systemd, target, { over: Promise.race([old.isGone, job]), signal: ended });
    const result = await withDeadline({ what: `${unit} did not start`, timeoutMs: startTimeoutMs, signal }, () => job);
    return { result, wasKilled };
  } catch (error) {
    if (old.gone.aborted || !isCutoverError(error, 'timeout') || (await isStarting(systemd, unit))) throw error;
    // The new one has not had its turn yet: nothing is known of it.
    throw new StepFailure('systemd', `what ran before in ${unit} did not end: ${error.message}`, { cause: error });
  } finally {
    left.abort();
    old.stop();
  }
}

/** One that was down has no end that would tell of its start. */
async function isStarting(systemd: Systemd, unit: string): Promise<boolean> {
  return (await systemd.property(unit, 'Unit', 'ActiveState')) === 'activating';
}

/** The person who set the time to stop said how long is long enough. @returns whether it was killed */
async function seeOldEnd(
  systemd: Systemd,
  { unit, stopTimeoutMs }: Restartable,
  { over, signal }: { over: Promise<unknown>; signal: AbortSignal },
): Promise<boolean> {
  const what = `${unit} did not stop`;
  try {
    await withDeadline({ what, timeoutMs: stopTimeoutMs, signal }, () => over);
    return false;
  } catch (error) {
    if (!isCutoverError(error, 'timeout')) throw error;
  }
  // A job that waits for others has not begun to stop it. And the kill follows the answer at once: one that ends in between
  // would have the new one killed.
  if ((await systemd.property(unit, 'Unit', 'ActiveState')) !== 'deactivating') return false;
  await systemd.kill(unit);
  await withDeadline({ what: `${what}, although it was killed,`, timeoutMs: killedMs, signal }, () => over);
  return true;
}

/** What runs in a unit that is about to be restarted. */
interface Old {
  isGone: Promise<void>;
  /** aborted at the same time */
  gone: AbortSignal;
  stop: () => void;
}

/** One job stops and starts, and may start within a millisecond of the end: only the time of the last end tells for sure. */
async function watchOld(systemd: Systemd, unit: string): Promise<Old> {
  const gone = openController();
  const isGone = new Promise<void>((resolve) => {
    gone.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  let lastEnd: number | null | undefined;
  const stop = await systemd.watch(unit, (changed) => {
    const end = changed.get('InactiveEnterTimestampMonotonic');
    if (lastEnd !== undefined && end !== undefined && amount(end) !== lastEnd) gone.abort();
  });
  try {
    // Nor is one that is down taken to be gone: a connection may start it before the job stops it.
    lastEnd = amount(await systemd.property(unit, 'Unit', 'InactiveEnterTimestampMonotonic'));
  } catch (error) {
    stop();
    throw error;
  }
  return { isGone, gone: gone.signal, stop };
}
