import { currentBuild } from '../builds/current.ts';
import { listBuildIds } from '../builds/list.ts';
import { fallbackPrevious } from '../builds/previous.ts';
import { newestProven, predecessorOf } from '../run/history.ts';
import { readQuarantine } from '../run/quarantine.ts';
import type { Place } from './place.ts';

/**
 * The build to go back to: the last one proven before `current`; without one, what served before it was deployed, as
 * a build that was started by hand; with no record left, the newest older one.
 */
export async function previousBuild({ target, paths }: Pick<Place, 'target' | 'paths'>): Promise<string | null> {
  const [current, ids, quarantined] = await Promise.all([
    currentBuild(target.builds),
    listBuildIds(target.builds),
    readQuarantine(paths),
  ]);
  const candidates = new Set(ids.filter((id) => id !== current && !Object.hasOwn(quarantined, id)));
  if (candidates.size === 0) return null;
  const proven = await newestProven(paths, (id) => candidates.has(id));
  if (proven !== null) return proven;
  const before = current === null ? null : await predecessorOf(paths, current);
  if (before !== null && candidates.has(before)) return before;
  return fallbackPrevious(ids, current, new Set(Object.keys(quarantined)));
}
