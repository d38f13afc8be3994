import { currentBuild } from '../builds/current.ts';
import { listBuildIds } from '../builds/list.ts';
import { fallbackPrevious } from '../builds/previous.ts';
import { predecessorOf, wayBack, type WayBack } from '../run/history.ts';
import { readQuarantine } from '../run/quarantine.ts';
import type { Place } from './place.ts';

/**
 * The build to go back to: the last one proven before the one in service; without one, what served before that was
 * deployed, as a build that was started by hand; with no record left, the newest older one. Never one that a rollback
 * left, unless it was proven again since.
 */
export async function previousBuild(place: Pick<Place, 'target' | 'paths'>): Promise<string | null> {
  return (await findWayBack(place, await currentBuild(place.target.builds))).build;
}

/**
 * The same, with what rollbacks left.
 * @param inService the build to go back from; null: none is known to be in service
 */
export async function findWayBack(
  { target, paths }: Pick<Place, 'target' | 'paths'>,
  inService: string | null,
): Promise<WayBack> {
  const [ids, quarantined] = await Promise.all([listBuildIds(target.builds), readQuarantine(paths)]);
  const candidates = new Set(ids.filter((id) => id !== inService && !Object.hasOwn(quarantined, id)));
  if (candidates.size === 0) return { build: null, left: new Map() };
  const { build, left: all } = await wayBack(paths, (id) => candidates.has(id));
  const left = new Map([...all].filter(([id]) => candidates.has(id)));
  if (build !== null) return { build, left };
  const before = inService === null ? null : await predecessorOf(paths, inService);
  if (before !== null && candidates.has(before) && !left.has(before)) return { build: before, left };
  // Where runs tell of a build that was proven and left, a person decides between that and one that nobody ever tried.
  if (left.size > 0) return { build: null, left };
  return { build: fallbackPrevious(ids, inService, new Set(Object.keys(quarantined))), left };
}
