import { CutoverError } from '../base/errors.ts';
import { killedMs } from '../base/terminate.ts';
import { openController, rejectionOf, withDeadline } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import { StepFailure } from '../run/failure.ts';
import { isDown } from '../systemd/facts.ts';
import type { JobOptions, JobResult } from '../systemd/jobs.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { asSignalled, isUnitsEnd, type UnitLife, watchLife } from './life.ts';
import { type Opened, type Opening, strangerOr, untilListening } from './ports.ts';
import { isFresh, prepareStart, readAgain, type ReadyStart } from './ready-start.ts';
import { requireStarted, type StartFacts } from './started.ts';

/** What of a target its start and its stop need. */
export type Startable = Pick<TargetConfig, 'unit' | 'ports' | 'strategy' | 'startTimeoutMs' | 'stopTimeoutMs'>;

/** So many starts has a build that was good before; a candidate has one. */
export const provenStarts = 3;

/**
 * Starts the unit. Ends when the start job has ended and the unit runs.
 * @param ready what was prepared meanwhile; without it that is done here
 * @returns what was started, and the watch that goes on
 * @throws `StepFailure` at once when the unit fails or exits; `port_taken` when it does because somebody else has its port
 */
export async function startUnit(
  systemd: Systemd,
  target: Startable,
  signal: AbortSignal,
  ready?: ReadyStart,
): Promise<{ began: StartFacts; life: UnitLife }> {
  const { unit } = target;
  if (!ready) await untilStopped(systemd, target, signal);
  const { isStale, type } = isFresh(ready) ? ready : await prepareStart(systemd, unit);
  if (isStale) await readAgain(systemd);
  const { starting, life } = await startWatched(systemd, { ...target, type: isStale ? undefined : type }, signal);
  try {
    const result = await Promise.race([starting, rejectionOf(life.ended)]);
    return { began: await requireStarted(systemd, unit, result), life };
  } catch (error) {
    life.stop();
    throw await strangerOr(asSignalled(error, life), systemd, target);
  }
}

/** The bus takes what one client says in its order, and a turn later the watch is asked for: its answer need not be waited for. */
async function startWatched(
  systemd: Systemd,
  { unit, startTimeoutMs: timeoutMs, type }: Pick<TargetConfig, 'unit' | 'startTimeoutMs'> & { type: unknown },
  signal: AbortSignal,
): Promise<{ starting: Promise<JobResult>; life: UnitLife }> {
  const given = openController();
  const watching = watchLife(systemd, unit, { isRunning: false, type });
  watching.catch((error: unknown) => given.abort(error));
  await new Promise(setImmediate);
  given.signal.throwIfAborted();
  const starting = systemd.start(unit, { timeoutMs, signal: AbortSignal.any([signal, given.signal]) });
  starting.catch(() => {});
  return { starting, life: await watching };
}

/**
 * What a start job has come to, with a watch from before the facts are asked: whatever ends in between is seen by one of the two.
 * @param result of the job that started it
 * @throws `StepFailure` when the unit is not up
 */
export async function watchStarted(
  systemd: Systemd,
  unit: string,
  result: JobResult,
): Promise<{ began: StartFacts; life: UnitLife }> {
  const life = await watchLife(systemd, unit, { isRunning: true });
  try {
    return { began: await requireStarted(systemd, unit, result), life };
  } catch (error) {
    life.stop();
    throw error;
  }
}

/** Ends a stop that is under way, such as one that was interrupted: a watch would take it for a crash, and its process for one that serves. */
export async function untilStopped(
  systemd: Systemd,
  target: Pick<TargetConfig, 'unit' | 'stopTimeoutMs'>,
  signal: AbortSignal,
): Promise<void> {
  const state = await systemd.property(target.unit, 'Unit', 'ActiveState');
  if (state === 'deactivating') await stopUnit(systemd, target, signal);
}

/**
 * Waits until the unit listens on all its ports, or has ended. What its start took counts.
 * @returns what was begun when they opened
 * @throws `StepFailure`; `timeout`
 */
export async function untilReady<T>(
  systemd: Systemd,
  target: Omit<Startable, 'stopTimeoutMs'>,
  { life, opened, whenOpen, signal }: { life: UnitLife; signal: AbortSignal } & Opening<T>,
): Promise<T | null> {
  const { unit, ports, strategy, startTimeoutMs: timeoutMs } = target;
  const what = `${unit} did not listen on port ${ports.join(', ')}`;
  const waiting = AbortSignal.any([signal, life.ended]);
  try {
    const spentMs = performance.now() - life.beganMs;
    return await withDeadline({ what, timeoutMs, spentMs, signal: waiting }, (ended) =>
      untilListening(systemd, { unit, ports, strategy, opened, whenOpen }, ended),
    );
  } catch (error) {
    throw await strangerOr(error, systemd, target);
  }
}

/**
 * Starts a build that was proven before, and sees it listen. One that is ended on its way up, as by the kernel for want
 * of memory or by another hand, deserves another start before a person is called.
 * @throws `StepFailure`
 */
export async function startProven(
  systemd: Systemd,
  target: Startable,
  { opened, signal }: { opened: Opened; signal: AbortSignal },
): Promise<void> {
  for (let left = provenStarts - 1; ; left -= 1) {
    try {
      const { life } = await startUnit(systemd, target, signal);
      await untilReady(systemd, target, { life, opened, signal }).finally(life.stop);
      return;
    } catch (error) {
      if (left === 0 || !isUnitsEnd(error)) throw error;
    }
  }
}

/**
 * Stops the unit gracefully: SIGTERM, and SIGKILL after the unit's own TimeoutStopSec=. A unit that takes longer
 * than our own deadline is killed: the person who set the deadline said how long is long enough.
 * @param isServing whether what it runs is well: then it has to have begun to stop
 */
export async function stopUnit(
  systemd: Systemd,
  { unit, stopTimeoutMs }: Pick<TargetConfig, 'unit' | 'stopTimeoutMs'>,
  signal?: AbortSignal,
  { isServing = false }: { isServing?: boolean } = {},
): Promise<{ killed: boolean }> {
  try {
    await stopOnce(systemd, unit, { timeoutMs: stopTimeoutMs, signal });
    return { killed: false };
  } catch (error) {
    if (!(error instanceof CutoverError) || error.code !== 'timeout') throw error;
    if (isServing) await requireStopping(systemd, unit, error);
    await systemd.kill(unit);
    await stopOnce(systemd, unit, { timeoutMs: killedMs, signal });
    return { killed: true };
  }
}

/** What is stopped with a unit, and before it, may take its time: a unit that serves meanwhile is not killed for that. */
async function requireStopping(systemd: Systemd, unit: string, late: CutoverError): Promise<void> {
  const state = await systemd.property(unit, 'Unit', 'ActiveState');
  if (state !== 'active') return;
  throw new StepFailure('timeout', `${late.message}: systemd stops others before it`, { cause: late });
}

/** @throws `StepFailure` when another job, as of somebody who starts the unit, took the place of ours */
async function stopOnce(systemd: Systemd, unit: string, options: JobOptions): Promise<void> {
  const result = await systemd.stop(unit, options);
  if (result === 'done') return;
  // Behind a start that took its place, it still ends what it was doing, and is started again.
  const state = await systemd.property(unit, 'Unit', 'ActiveState');
  if (isDown(state)) return;
  throw new StepFailure('systemd', `the stop job of ${unit} ended as ${result}`);
}
