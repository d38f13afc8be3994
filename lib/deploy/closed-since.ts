import type { RunInputs } from '../run/inputs.ts';
import { amount, isActive } from '../systemd/facts.ts';
import type { RunTools } from './run-tools.ts';

/** Nobody minded before the port was looked at. */
const theFirstLook = Number.POSITIVE_INFINITY;

/**
 * Since when a service that does not listen when a run begins has been closed: since its unit ended, as systemd knows it. Of
 * one that is up and does not listen, or crashes and is started again and again, nobody knows.
 * @param properties what systemd told of the unit just before; default: it is asked
 * @returns a moment, as `performance.now()` has it; infinity: since it was looked at; null: not known
 */
export async function closedSince(
  { kind, from, target }: RunInputs,
  { systemd, properties }: Pick<RunTools, 'systemd' | 'properties'>,
): Promise<number | null> {
  // Before a first deploy nobody expected it to be open.
  if (from === null) return theFirstLook;
  if (target.strategy !== 'restart') return null;
  const known = ['ActiveState', 'InactiveEnterTimestampMonotonic'].map(
    async (name) => properties?.get(name) ?? systemd.property(target.unit, 'Unit', name),
  );
  const [state, ended] = await Promise.all(known);
  // It was open then, and the first look came after the stop.
  if (isActive(state) && kind !== 'recovery') return theFirstLook;
  const endedUs = amount(ended) ?? 0;
  if ((state !== 'inactive' && state !== 'failed') || endedUs === 0) return null;
  const closedMs = (Number(process.hrtime.bigint() / 1000n) - endedUs) / 1000;
  return performance.now() - Math.max(0, closedMs);
}
