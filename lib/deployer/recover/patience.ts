import type { HealthConfig, TargetConfig } from '../../config/model.ts';
import { readRun } from '../../run/history.ts';
import { readInFlight } from '../../run/in-flight.ts';
import { recoveryOf } from '../../run/recoveries.ts';
import type { StatePaths } from '../../run/state.ts';

/** What is configured nowhere: the start of a program, the bus, the end of killed processes. Each has less of its own. */
const besideMs = 10_000;

/**
 * How long an attempt at a target may take in all: what is configured for each of its acts, added up, those of a cut-off run
 * that it ends first and, when it is the last, of the way back to another build included.
 * @returns milliseconds
 */
export function attemptMs(target: TargetConfig, { isLast }: { isLast: boolean }): number {
  const { stopTimeoutMs, health, hooks } = target;
  const runMs = stopTimeoutMs + windDownMs(target);
  const repairMs = (hooks.repair ?? []).reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);
  return 2 * (health.timeoutMs + besideMs) + repairMs + (isLast ? 4 : 2) * runMs;
}

/** How long an attempt that was interrupted may go on: its start is not broken off, so that the service is not left down. */
export function windDownMs({ startTimeoutMs, health }: TargetConfig): number {
  return besideMs + startTimeoutMs + gateMs(health);
}

function gateMs({ attempts, intervalMs, timeoutMs, successes, healthyForMs }: HealthConfig): number {
  return (attempts + successes) * (intervalMs + timeoutMs) + healthyForMs;
}

/**
 * What an attempt is at, in words, as the ledger tells it; `isSettling`: it ends another run first, which may take as long as
 * putting a large database back does.
 */
export async function whereItIs(paths: StatePaths): Promise<{ words: string; isSettling: boolean }> {
  const mark = await readInFlight(paths).catch(() => null);
  if (mark === null) return { words: 'before or after its run', isSettling: false };
  const record = await readRun(paths, mark.run).catch(() => null);
  if (record === null) return { words: `in run ${mark.run}`, isSettling: false };
  const step = [...record.steps.keys()].at(-1);
  const words = step === undefined ? `before the first step of run ${mark.run}` : `at ${step} of run ${mark.run}`;
  return { words, isSettling: recoveryOf(record) === null };
}
