import { isCutoverError } from '../../base/errors.ts';
import { healthOf } from '../../report/page/health.ts';
import type { ShownBuild, ShownTarget } from '../../report/page/model.ts';
import { type Seen, standingOf } from '../../report/page/standing.ts';
import { gathered, patient } from './again.ts';
import type { Disks } from './disks.ts';
import { watchDirectories } from './files.ts';
import { type Knowledge, knowledgeOf, outOfSight, type WatchedPlace } from './knowledge.ts';

/** One target as the page follows it. */
export interface TargetWatch {
  /** Reads the records and looks at the service. What hangs is not waited for: the target is shown as not known then. */
  refresh(): Promise<void>;
  /** Follows files and unit until the signal is aborted, and tells of each change. */
  follow(signal: AbortSignal, onChange: () => void): void;
  isChanging(): boolean;
  shown(): ShownTarget;
}

/** The lines of a step come in one burst; a file is written in several parts. */
const filesDelayMs = 40;
const unitDelayMs = 60;

/** How a target is watched. */
export interface WatchOptions {
  /** so many of the newest are shown */
  runs: number;
  /** whether the bus has room for one more to be watched */
  isUnitWatched: boolean;
  disks: Disks;
  /** a look that takes longer is not waited for */
  lookMs: number;
}

/** Watches a target. Nothing is looked at before it is asked for. */
export function watchTarget(place: WatchedPlace, options: WatchOptions): TargetWatch {
  const { target, signal: ended } = place;
  const { known: lastKnown, refreshRecords, refreshService } = knowledgeOf(place, options);
  const followUnit = unitChanges(place);
  const bounds = { what: `${target.name} could not be looked at`, timeoutMs: options.lookMs, signal: ended };
  const look = patient(bounds, () => allOf([refreshRecords(), refreshService()]));
  let problem: string | null = null;
  const known = (): Knowledge => (problem === null ? lastKnown() : outOfSight(lastKnown(), problem));
  return {
    async refresh() {
      problem = await look().then(() => null, lateness);
    },
    follow(signal, onChange) {
      const told = (work: () => Promise<void>) => () => void work().then(onChange, () => {});
      const paths = [place.paths.directory, place.paths.runs, place.target.builds];
      watchDirectories(paths, { signal, disks: options.disks }, gathered(filesDelayMs, told(refreshRecords)));
      if (options.isUnitWatched) followUnit(signal, gathered(unitDelayMs, told(refreshService)));
    },
    isChanging: () => {
      const { records, requests } = known();
      return records.running?.state === 'at_work' || records.holder !== null || requests.length > 0;
    },
    shown: () => shownOf(place, known()),
  };
}

/** Ends when all of them have ended. @throws what the first that failed threw */
async function allOf(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

/** Why nothing was seen in time. @throws any other error */
function lateness(error: unknown): string {
  if (isCutoverError(error, 'timeout')) return error.message;
  throw error;
}

function shownOf(
  { target, config }: WatchedPlace,
  { records, requests, service, samples, errors }: Knowledge,
): ShownTarget {
  const { running, holder, runs, figures, notes } = records;
  const build = buildNow(records, service);
  const seen: Seen = { ...service.seen, notes: [...service.seen.notes, ...notes], moved: movedOf(build) };
  return {
    target: target.name,
    config: config.file,
    unit: target.unit,
    strategy: target.strategy,
    ports: target.ports,
    ...standingOf(target.name, { seen, running, last: runs[0], config: config.file }),
    unit_state: service.unit,
    build,
    health: healthOf(samples, service.answers),
    running,
    holder,
    requests,
    runs,
    figures,
    recent_errors: errors,
  };
}

/** A link that was moved since the service was looked at is told of with the next look. */
function buildNow({ build }: Knowledge['records'], { build: seen }: Knowledge['service']): ShownBuild {
  return { ...build, serving: seen.current === build.current ? seen.serving : build.current };
}

function movedOf({ current, serving }: ShownBuild): string | null {
  return serving === current ? null : `current names ${current}, and ${serving ?? 'something else'} serves`;
}

/**
 * Passes changes of a unit on. It is watched from the first time on and for good: a bus keeps the rules of a connection, and has
 * room for some hundreds. A manager that cannot be reached is looked at again with the next round.
 */
function unitChanges({ systemd, target, signal }: WatchedPlace): (followed: AbortSignal, onChange: () => void) => void {
  let [listener, isWatched]: [(() => void) | null, boolean] = [null, false];
  return (followed, onChange) => {
    listener = onChange;
    followed.addEventListener('abort', () => (listener = null), { once: true });
    if (isWatched) return;
    isWatched = true;
    void systemd
      .watch(target.unit, () => listener?.())
      .then(
        (end) => signal.addEventListener('abort', end, { once: true }),
        () => (isWatched = false),
      );
  };
}
