import { isCutoverError, messageOf } from '../../base/errors.ts';
import type { MonitorConfig } from '../../config/model.ts';
import type { Place } from '../../deployer/place.ts';
import { attempt } from '../../deployer/recover/attempt.ts';
import { rollback } from '../../deployer/rollback.ts';
import type { RunDocument } from '../../run/document.ts';
import { quarantine } from '../../run/quarantine.ts';
import type { Problem } from './state.ts';

export type MonitorAction = 'restart' | 'rollback';

/** What an action came to. */
export interface Acted {
  actions: string[];
  document: RunDocument | null;
  /** false: it could not begin, and is to be tried again */
  isTried: boolean;
}

/**
 * What is to be done about a service that is not well. A restart is tried again as often as the failures add up once more; a
 * rollback once, since the next one would leave for builds that nobody asked for.
 */
export function actionFor(
  { passes, acted }: Problem,
  { failures, action }: Pick<MonitorConfig, 'failures' | 'action'>,
  isConfirmedInBake: boolean,
): MonitorAction | null {
  if (isConfirmedInBake && acted === 0) return 'rollback';
  if (passes < failures || action === 'alert') return null;
  if (action === 'restart') return passes % failures === 0 ? 'restart' : null;
  return acted === 0 ? 'rollback' : null;
}

/**
 * Acts, as a run of its own with ledger and gate. What keeps it from acting is told, and the next pass tries again.
 * @param current the build that is not well; null: not known
 * @throws `systemd_unavailable`, `bus_lost`; the signal's reason
 */
export async function act(place: Place, action: MonitorAction, current: string | null): Promise<Acted> {
  return action === 'restart' ? restart(place) : goBack(place, current);
}

async function restart(place: Place): Promise<Acted> {
  const { actions, findings, document } = await attempt(place, { isLast: false });
  const isTried = document !== null || actions.length > 0;
  return {
    actions: isTried ? actions : findings.map((finding) => `could not restart: ${finding}`),
    document,
    isTried: true,
  };
}

async function goBack(place: Place, current: string | null): Promise<Acted> {
  const { paths, emit } = place;
  try {
    const document = await rollback(place, { waitMs: 0 });
    const { outcome, run, active, failure } = document;
    if (outcome !== 'deployed') {
      return { actions: [`tried to go back: ${failure?.message ?? outcome}`], document, isTried: true };
    }
    if (current !== null && run !== null && active !== current) {
      const entry = { run, reason: 'health' as const, since: new Date().toISOString() };
      await quarantine(paths, current, entry).catch((error: unknown) => {
        emit({ type: 'note', message: `${current} could not be put into quarantine: ${messageOf(error)}` });
      });
    }
    return { actions: [`went back to ${active}`], document, isTried: true };
  } catch (error) {
    if (!isCutoverError(error, 'locked', 'no_build', 'refused', 'permission', 'disk', 'config')) throw error;
    const isTried = !isCutoverError(error, 'locked', 'disk');
    return { actions: [`could not go back: ${error.message}`], document: null, isTried };
  }
}
