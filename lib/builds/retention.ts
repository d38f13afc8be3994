import { compareBuildIds } from './layout.ts';

/** Why a build stays. */
export type KeepReason =
  | 'current'
  | 'previous'
  /** proven later than any other, or than any other but current */
  | 'last_proven'
  /** what served before current did */
  | 'served_before'
  /** named by a run that has not ended */
  | 'in_flight'
  /** a process uses it, or something is mounted there */
  | 'used'
  /** has one of the places that `keep` gives */
  | 'place'
  /** made after current and not tried yet */
  | 'newer'
  /** failed lately: for a look */
  | 'quarantined'
  /** no other build is proven, so any older one may be the way back */
  | 'no_way_back'
  /** a link or a file: nobody's build to remove */
  | 'not_a_directory'
  /** what is in service is not known */
  | 'no_current'
  /** processes that could use it cannot be seen */
  | 'unseen'
  /** could not be removed */
  | 'stuck';

/** What a build that goes had been. */
export type GoReason = 'good' | 'quarantined' | 'untried';

/** What is known when it is decided which builds stay. */
export interface RetentionFacts {
  /** the names of builds in any order, with whether each is a directory */
  entries: readonly { id: string; isDirectory: boolean }[];
  current: string;
  /** what a rollback goes to; null: nothing */
  previous: string | null;
  /** builds that a gate saw healthy, the newest proof first */
  proven: readonly string[];
  quarantined: ReadonlySet<string>;
  /** builds that stay whatever they are */
  protectedBy: ReadonlyMap<string, KeepReason>;
  /** the places for builds beside current and previous */
  keep: number;
  /** whether it was put there after current although its name is older: current's says a time that was yet to come */
  isAddedLater: (id: string) => Promise<boolean>;
  /** whether a build could be deployed as it lies there; asked only where it matters */
  isWhole: (id: string) => Promise<boolean>;
}

/** Which builds stay, and which go: none is in both. */
export interface Retention {
  stay: Map<string, KeepReason>;
  go: Map<string, GoReason>;
}

/** So many of the builds that failed stay for a look. */
const quarantinedKept = 2;

/**
 * Decides which builds stay. The places go to good builds first, the last proven ones; then to builds that were good and
 * failed later; then to untried ones older than current. So what failed or was never tried takes no place from a good
 * build, and where nothing is recorded the newest older builds stay. Untried builds newer than current always stay, and
 * so does every build that may be the way back while none is known to be.
 */
export async function decideRetention(facts: RetentionFacts): Promise<Retention> {
  const { entries, current, quarantined } = facts;
  const ids = entries.map(({ id }) => id).toSorted(compareBuildIds);
  const known = new Set(ids);
  const proven = facts.proven.filter((id) => known.has(id));
  const wayBack = await firstWhole(facts, proven, (id) => id !== current && !quarantined.has(id));
  const stay = new Map<string, KeepReason>();
  for (const [id, reason] of mustStay(facts, [wayBack, proven[0]])) {
    if (id && known.has(id) && !stay.has(id)) stay.set(id, reason);
  }
  await fillPlaces(facts, { ids, proven, stay });
  const failed = ids.filter((id) => quarantined.has(id) && !stay.has(id));
  for (const id of failed.slice(-quarantinedKept)) stay.set(id, 'quarantined');
  const isProven = new Set(proven);
  const go = new Map<string, GoReason>();
  for (const id of ids.filter((one) => !stay.has(one))) {
    const was = quarantined.has(id) ? 'quarantined' : isProven.has(id) ? 'good' : 'untried';
    if (was === 'untried' && (compareBuildIds(id, current) > 0 || (await facts.isAddedLater(id))))
      stay.set(id, 'newer');
    else if (wayBack === undefined && (was === 'untried' || isProven.has(id))) stay.set(id, 'no_way_back');
    else go.set(id, was);
  }
  return { stay, go };
}

/** The builds that stay whatever they are, the strongest reason of each first. */
function mustStay(
  { entries, current, previous, protectedBy }: RetentionFacts,
  lastProven: readonly (string | undefined)[],
): [id: string | null | undefined, reason: KeepReason][] {
  const linked = entries.filter(({ isDirectory }) => !isDirectory);
  return [
    [current, 'current'],
    [previous, 'previous'],
    ...lastProven.map((id): [string | undefined, KeepReason] => [id, 'last_proven']),
    ...protectedBy,
    ...linked.map(({ id }): [string, KeepReason] => [id, 'not_a_directory']),
  ];
}

async function fillPlaces(
  facts: RetentionFacts,
  { ids, proven, stay }: { ids: string[]; proven: string[]; stay: Map<string, KeepReason> },
): Promise<void> {
  const { quarantined, current } = facts;
  const isProven = new Set(proven);
  const good = proven.filter((id) => !quarantined.has(id));
  const fallen = proven.filter((id) => quarantined.has(id));
  const isOlder = (id: string): boolean => compareBuildIds(id, current) < 0;
  const untried = ids.filter((id) => isOlder(id) && !isProven.has(id) && !quarantined.has(id)).toReversed();
  let places = facts.keep;
  for (const id of [...good, ...fallen, ...untried]) {
    if (places === 0) return;
    // What cannot be deployed is no way back, and takes no place.
    if (stay.has(id) || !(await facts.isWhole(id))) continue;
    stay.set(id, 'place');
    places -= 1;
  }
}

async function firstWhole(
  { isWhole }: RetentionFacts,
  ids: readonly string[],
  isWanted: (id: string) => boolean,
): Promise<string | undefined> {
  for (const id of ids) if (isWanted(id) && (await isWhole(id))) return id;
  return undefined;
}
