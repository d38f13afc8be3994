import { isCutoverError } from '../base/errors.ts';
import { swapCurrent } from '../builds/swap.ts';
import type { TargetConfig } from '../config/model.ts';
import type { RunTools } from './run-tools.ts';
import { standInsOf, stopStandIns } from './stand-in.ts';

type Tools = Pick<RunTools, 'systemd' | 'emit'>;

/**
 * Stops stand-ins that no run will stop any more: of a run whose record is lost, of a strategy that the target no longer
 * has, or started by hand. One that shares the socket answers in a build that nobody asked for. Whoever may not stop it
 * goes on: what needs it gone will say so.
 */
export async function stopLeftStandIns({ systemd, emit }: Tools, target: TargetConfig): Promise<void> {
  const left = await standInsOf(systemd, target.unit);
  if (left.length === 0) return;
  const names = left.join(', ');
  try {
    await stopStandIns(systemd, target);
    emit({ type: 'note', message: `a stand-in was left over, and is stopped: ${names}` });
  } catch (error) {
    if (!isCutoverError(error, 'permission')) throw error;
    emit({ type: 'note', message: `a stand-in was left over, and you may not stop it: ${names}` });
  }
}

/**
 * Points `current` at the build that a run would go back to, where a link was moved and the service not restarted: any
 * crash, boot or connection until the swap would start a build that nobody proved, and a way back from a candidate that
 * never got as far as the link would leave it there.
 * @param serving the build that the unit's process runs from; null: there is none
 */
export async function pointWhereItServes(
  { builds }: Pick<TargetConfig, 'builds'>,
  { serving, current, back }: { serving: string | null; current: string | null; back: string | null },
  emit: RunTools['emit'],
): Promise<void> {
  if (serving === null || serving === current || back === null) return;
  if (!(await swapCurrent(builds, back))) return;
  const message = `current named ${current ?? 'no build'} while ${serving} ran: it names ${back} again`;
  emit({ type: 'note', message });
}
