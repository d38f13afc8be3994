import { openController } from '../base/wait.ts';
import { removeCurrent, swapCurrent } from '../builds/swap.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { checkSteps } from './configured-checks.ts';
import { migrateSteps, smokeSteps } from './hook-steps.ts';
import { isUnitsEnd, type UnitLife } from './life.ts';
import { endOldListeners, type Running, runningIn } from './old-listeners.ts';
import { requireSockets } from './socket-units.ts';
import { readAgain } from './ready-start.ts';
import { restartByJob } from './restart-job.ts';
import { provenStarts, watchStarted } from './start.ts';
import type { StartFacts } from './started.ts';
import {
  asFarAsThereIsAWayBack,
  buildOfProcess,
  gateStep,
  type PlanTools,
  type StrategyTools,
  swapStep,
  type Watched,
} from './strategy.ts';
import { untilAdopted, untilTakenOver } from './takeover.ts';
import { stopAll } from './while-stopped.ts';

/**
 * A unit whose port belongs to a socket unit: the link moves, and one job restarts the service behind the socket, while
 * the kernel keeps new connections waiting. PID 1 finishes that job even when this process dies.
 * The service is never stopped by itself: the next connection would start the old build again.
 */
export function socketPlan(inputs: RunInputs, tools: PlanTools): Step[] {
  const watched: Watched = {};
  return asFarAsThereIsAWayBack(inputs, [
    ...migrateSteps(inputs, tools),
    { ...swapStep(inputs), revert: () => swapBack(inputs, tools) },
    restartStep(inputs, tools, { watched }),
    gateStep(inputs, tools, watched),
    ...checkSteps(inputs, tools),
    ...smokeSteps(inputs, tools),
  ]);
}

/**
 * Without a revert of its own: only with the link back is there anything to restart, and that is the swap's.
 * @param witness a service that shares the socket and serves meanwhile; without one, the gate sees who answers
 */
export function restartStep(
  { target }: RunInputs,
  tools: StrategyTools,
  { watched, witness }: { watched: Watched; witness?: string },
): Step {
  const { systemd, meter } = tools;
  return {
    name: 'restart',
    does: `restart ${target.unit} behind its socket, by one job`,
    isGoneAtBoot: true,
    apply: async (signal) => {
      meter.start();
      const { began, life } = await restartUnit(tools, target, signal);
      watched.life = life;
      return { pid: began.mainPid, invocation: began.invocationId };
    },
    prove: async (signal) => {
      const waiting = watched.life ? AbortSignal.any([signal, watched.life.ended]) : signal;
      if (witness === undefined) await untilAdopted(target, systemd, waiting);
      else await untilTakenOver(target, systemd, { witness, signal: waiting });
      await requireSockets(systemd, target);
    },
  };
}

/**
 * Restarts the service by one job, with its sockets seen active before.
 * @throws `StepFailure` at once when the unit fails or exits
 */
async function restartUnit(
  { systemd, emit }: Pick<StrategyTools, 'systemd' | 'emit'>,
  target: RunInputs['target'],
  signal: AbortSignal,
): Promise<{ began: StartFacts; life: UnitLife }> {
  const { unit, stopTimeoutMs } = target;
  await requireSockets(systemd, target);
  const [isStale] = await Promise.all([systemd.property(unit, 'Unit', 'NeedDaemonReload'), systemd.resetFailed(unit)]);
  if (isStale === true) await readAgain(systemd);
  const before = await runningIn(systemd, unit);
  const { result, wasKilled } = await restartByJob(systemd, target, signal);
  const message = `what ran before in ${unit} did not end within ${stopTimeoutMs / 1000} s (stop.timeout), and was killed`;
  if (wasKilled) emit({ type: 'note', message });
  const started = await watchStarted(systemd, unit, result);
  await endOld({ systemd, emit, life: started.life }, target, { before, signal });
  return started;
}

/** One job stops and starts: what the stop has left would share the socket with the new build, and answer in its place. */
async function endOld(
  { systemd, emit, life }: Pick<StrategyTools, 'systemd' | 'emit'> & { life: UnitLife },
  target: RunInputs['target'],
  { before, signal }: { before: Running; signal: AbortSignal },
): Promise<void> {
  const waiting = AbortSignal.any([signal, life.ended]);
  const ended = await endOldListeners(systemd, target, { before, signal: waiting }).catch((error: unknown) => {
    life.stop();
    throw error;
  });
  const message = `${ended} processes of the build before were left in ${target.unit}, and ended`;
  if (ended > 0) emit({ type: 'note', message });
}

/**
 * The link first: a restart by anybody, a connection or a boot included, then starts the build before.
 * @param standIn serves meanwhile, where there is one: it may go only when the service accepts connections again
 */
export async function swapBack(inputs: RunInputs, tools: StrategyTools, standIn?: string): Promise<void> {
  const { systemd } = tools;
  const { target, back, to } = inputs;
  const { signal } = openController();
  if (back === null) return backToNothing(target, systemd);
  await swapCurrent(target.builds, back);
  if (back !== to && (await isServedBy(inputs, systemd, back))) return requireSockets(systemd, target);
  await restartProven(tools, target, { standIn, signal });
}

/** The sockets are closed with the unit: a connection would start it again, and without a build again and again. */
async function backToNothing(target: RunInputs['target'], systemd: Systemd): Promise<void> {
  try {
    await stopAll(systemd, target);
  } finally {
    await removeCurrent(target.builds);
  }
}

/** A process that has been told to end may still answer for a while, but it takes no more connections. */
async function isServedBy(inputs: RunInputs, systemd: Systemd, ...builds: (string | null)[]): Promise<boolean> {
  const { activeState } = await systemd.facts(inputs.target.unit);
  if (activeState !== 'active') return false;
  const running = await buildOfProcess(inputs, systemd);
  return running !== undefined && builds.includes(running);
}

/**
 * Sees the build before up on an open socket, where the link never left it: a boot may have taken it away, another hand
 * or a crash loop may have closed the socket. A process that is its, or cannot be looked at, goes on. Without a build before,
 * what a connection may have started meanwhile is stopped with the sockets.
 */
export async function seeUp(inputs: RunInputs, tools: StrategyTools): Promise<void> {
  const { systemd } = tools;
  const { target, back } = inputs;
  if (back === null) return stopAll(systemd, target);
  if (await isServedBy(inputs, systemd, back, null)) return requireSockets(systemd, target);
  await restartProven(tools, target, { signal: openController().signal });
}

/** A build that was proven before deserves another start when it is ended on its way up. */
async function restartProven(
  tools: StrategyTools,
  target: RunInputs['target'],
  { standIn, signal }: { standIn?: string | undefined; signal: AbortSignal },
): Promise<void> {
  const { systemd } = tools;
  for (let left = provenStarts - 1; ; left -= 1) {
    try {
      const { life } = await restartUnit(tools, target, signal);
      const waiting = AbortSignal.any([signal, life.ended]);
      const isServing = standIn !== undefined && (await systemd.facts(standIn)).activeState === 'active';
      const taken = isServing
        ? untilTakenOver(target, systemd, { witness: standIn, signal: waiting })
        : untilAdopted(target, systemd, waiting);
      return await taken.finally(life.stop);
    } catch (error) {
      if (left === 0 || !isUnitsEnd(error)) throw error;
    }
  }
}
