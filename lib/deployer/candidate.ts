import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { listBuildIds, resolveBuild } from '../builds/list.ts';
import { wayBack } from '../run/history.ts';
import { readQuarantine, type Refused } from '../run/quarantine.ts';
import type { StatePaths } from '../run/state.ts';
import type { Place } from './place.ts';

/** The build that is to be tried, and what a person may not expect of the choice. */
export interface Candidate {
  /** null: there is none */
  candidate: string | null;
  /** a newer build that its gate refused, where nobody named the candidate */
  passedOver: Refused | null;
  /** the rollback that left the candidate, where nobody named it */
  leftBy: string | null;
}

/**
 * The named build, or the newest that no gate has refused.
 * @param reading the build that `current` names
 * @throws `no_build` when the named build is none
 */
export async function chooseCandidate(
  place: Pick<Place, 'target' | 'paths'>,
  build: string | undefined,
  reading: Promise<string | null>,
): Promise<Candidate> {
  const { target, paths } = place;
  const { builds } = target;
  if (build !== undefined) return { candidate: await resolveBuild(builds, build), passedOver: null, leftBy: null };
  const [ids, quarantined, current] = await Promise.all([listBuildIds(builds), readQuarantine(paths), reading]);
  // The build in service counts although it is quarantined: "nothing newer" must not mean "something older".
  const except = new Set(Object.keys(quarantined).filter((id) => id !== current));
  const [candidate = null, newest = null] = [ids.findLast((id) => !except.has(id)), ids.at(-1)];
  const entry = newest === null || !except.has(newest) ? undefined : quarantined[newest];
  const passedOver = newest !== null && entry ? { ...entry, build: newest } : null;
  const isChange = candidate !== null && candidate !== current;
  const isOther = (id: string): boolean => id !== current && ids.includes(id) && !Object.hasOwn(quarantined, id);
  const leftBy = isChange ? await rollbackThatLeft(join(builds, candidate), { paths, isOther }) : null;
  return { candidate, passedOver, leftBy };
}

/**
 * No run before a build was made can have left it, and its ledger need not be read; where nobody knows when, each is. It is for a note
 * alone: a rollback past the build that began before then is told of only where it came from that very build.
 */
async function rollbackThatLeft(
  path: string,
  { paths, isOther }: { paths: StatePaths; isOther: (id: string) => boolean },
): Promise<string | null> {
  const madeMs = await stat(path).then(
    ({ birthtimeMs }) => birthtimeMs,
    () => 0,
  );
  const { left } = await wayBack(paths, isOther, madeMs);
  return left.get(basename(path)) ?? null;
}
