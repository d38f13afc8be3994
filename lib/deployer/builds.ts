import { atMost } from '../base/at-most.ts';
import { isCutoverError } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import type { Build } from '../builds/inspect.ts';
import { listBuilds } from '../builds/list.ts';
import { sizeOf } from '../builds/size.ts';
import { provenBuilds } from '../run/history.ts';
import { type Quarantine, readQuarantine } from '../run/quarantine.ts';
import type { Place } from './place.ts';
import { previousBuild } from './previous.ts';

export type BuildState = 'current' | 'previous' | 'good' | 'quarantined' | 'untried' | 'broken';

/** A build as `--json` prints it. */
export interface BuildRow {
  id: string;
  state: BuildState;
  revision: string | null;
  branch: string | null;
  created_at: string;
  /** null: somebody else's directory in it cannot be read */
  size_bytes: number | null;
}

/** Enough to hide the disk's latency; ten thousand at once take a quarter of a gigabyte. */
const measuredAtOnce = 8;

/** All builds of a target, newest first. @throws `no_build`, `permission` */
export async function builds({
  target,
  paths,
  signal,
}: Pick<Place, 'target' | 'paths' | 'signal'>): Promise<BuildRow[]> {
  const [list, current, previous, proven, quarantined] = await Promise.all([
    listBuilds(target.builds),
    currentBuild(target.builds),
    previousBuild({ target, paths }),
    provenBuilds(paths, Number.POSITIVE_INFINITY).then((ids) => new Set(ids)),
    readQuarantine(paths),
  ]);
  const known = { current, previous, proven, quarantined };
  const rowOf = async ({ id, path, broken, revision, branch, createdAt }: Build): Promise<BuildRow> => {
    const size_bytes = broken === null ? await sizeIfRead(path, signal) : 0;
    return { id, state: stateOf(id, broken, known), revision, branch, created_at: createdAt.toISOString(), size_bytes };
  };
  return atMost(measuredAtOnce, list.toReversed(), rowOf);
}

/** What a service keeps from others in its build keeps nobody from seeing which builds there are. */
async function sizeIfRead(path: string, signal: AbortSignal): Promise<number | null> {
  return sizeOf(path, signal).catch((error: unknown) => {
    if (isCutoverError(error, 'permission')) return null;
    throw error;
  });
}

/** What decides on the states of builds. */
interface Known {
  current: string | null;
  previous: string | null;
  proven: ReadonlySet<string>;
  quarantined: Quarantine;
}

function stateOf(id: string, broken: string | null, { current, previous, proven, quarantined }: Known): BuildState {
  if (id === current) return 'current';
  if (broken !== null) return 'broken';
  if (id === previous) return 'previous';
  if (Object.hasOwn(quarantined, id)) return 'quarantined';
  return proven.has(id) ? 'good' : 'untried';
}
