import { messageOf } from '../base/errors.ts';
import type { RunInputs } from '../run/inputs.ts';
import { systemctl } from '../systemd/typed.ts';
import type { StrategyTools } from './strategy.ts';

/** A run does not wait for all that another unit may want to do first. */
const startMs = 10_000;

/**
 * Starts again what systemd has stopped with the unit. Never an error: the gate says whether the service is well, and a person is told of
 * what else is down.
 */
export async function startAlongside(
  { alongside = [], target, manager }: RunInputs,
  { systemd, emit }: Pick<StrategyTools, 'systemd' | 'emit'>,
  signal: AbortSignal,
): Promise<void> {
  const start = async (unit: string): Promise<void> => {
    const result = await systemd.start(unit, { timeoutMs: startMs, signal }).catch(messageOf);
    if (result === 'done') return;
    const why = `${unit}, which was stopped with ${target.unit}, has not started again: ${result}`;
    emit({ type: 'note', message: `${why} -> ${systemctl(manager, `start ${unit}`)}` });
  };
  await Promise.all(alongside.map(start));
}
