import type { Place } from '../../deployer/place.ts';
import { healthOf, withSample } from '../../report/page/health.ts';
import type { HealthSample, ShownRequest, ShownTarget } from '../../report/page/model.ts';
import { type Seen, standingOf } from '../../report/page/standing.ts';
import { readJournal } from '../../systemd/journal.ts';
import { gathered, oneAtATime } from './again.ts';
import { watchDirectories } from './files.ts';
import { type Records, recordsReader } from './records.ts';
import { lookAtService, type ServiceLook } from './service-look.ts';

export type WatchedPlace = Pick<Place, 'target' | 'paths' | 'config' | 'systemd' | 'redact' | 'signal'> & {
  /** what was pushed for the target and is not over */
  requests: () => Promise<ShownRequest[]>;
};

/** One target as the page follows it. */
export interface TargetWatch {
  /** Reads the records and looks at the service. */
  refresh(): Promise<void>;
  /** Follows files and unit until the signal is aborted, and tells of each change. */
  follow(signal: AbortSignal, onChange: () => void): void;
  isChanging(): boolean;
  shown(): ShownTarget;
}

const journalWindowMs = 60 * 60_000;
const mostErrors = 5;
/** To ask the journal is to start a program. */
const journalEveryMs = 30_000;
/** The lines of a step come in one burst; a file is written in several parts. */
const filesDelayMs = 40;
const unitDelayMs = 60;

interface Knowledge {
  records: Records;
  requests: ShownRequest[];
  service: ServiceLook;
  samples: HealthSample[];
  errors: string[];
}

const noRecords: Records = {
  running: null,
  holder: null,
  runs: [],
  build: { current: null, revision: null, branch: null, since: null, previous: null },
  figures: null,
  notes: [],
};
const notSeen: ServiceLook = {
  seen: { service: null, notes: [], next: null },
  unit: null,
  answers: [],
  sample: null,
};

/** @param runs so many of the newest are shown; `isUnitWatched`: whether the bus has room for one more to be watched */
export function watchTarget(
  place: WatchedPlace,
  { runs, isUnitWatched }: { runs: number; isUnitWatched: boolean },
): TargetWatch {
  const { known, refreshRecords, refreshService } = knowledgeOf(place, runs);
  const followUnit = unitChanges(place);
  return {
    refresh: async () => void (await Promise.all([refreshRecords(), refreshService()])),
    follow(signal, onChange) {
      const told = (work: () => Promise<void>) => () => void work().then(onChange, () => {});
      const paths = [place.paths.directory, place.paths.runs, place.target.builds];
      watchDirectories(paths, signal, gathered(filesDelayMs, told(refreshRecords)));
      if (isUnitWatched) followUnit(signal, gathered(unitDelayMs, told(refreshService)));
    },
    isChanging: () => {
      const { records, requests } = known();
      return records.running?.state === 'at_work' || records.holder !== null || requests.length > 0;
    },
    shown: () => shownOf(place, known()),
  };
}

/** What is known of a target, and what finds it out anew: from files, and from the service itself. */
function knowledgeOf(
  place: WatchedPlace,
  runs: number,
): { known: () => Knowledge; refreshRecords: () => Promise<void>; refreshService: () => Promise<void> } {
  const readRecords = recordsReader(place, runs);
  let records = noRecords;
  let service = notSeen;
  let samples: HealthSample[] = [];
  let requests: ShownRequest[] = [];
  const errors = journalErrors(place);
  const refreshRecords = oneAtATime(async () => {
    [records, requests] = await Promise.all([readRecords(), place.requests().catch(() => requests)]);
  });
  const refreshService = oneAtATime(async () => {
    service = await lookAtService(place, place.redact);
    if (service.sample) samples = withSample(samples, service.sample);
    await errors.refresh(service);
  });
  const known = (): Knowledge => ({ records, requests, service, samples, errors: errors.lines() });
  return { known, refreshRecords, refreshService };
}

function shownOf({ target }: WatchedPlace, { records, requests, service, samples, errors }: Knowledge): ShownTarget {
  const { running, holder, runs, build, figures, notes } = records;
  const seen: Seen = { ...service.seen, notes: [...service.seen.notes, ...notes] };
  return {
    target: target.name,
    unit: target.unit,
    strategy: target.strategy,
    ports: target.ports,
    ...standingOf(target.name, { seen, running, last: runs[0] }),
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

/** The last errors in the unit's journal, asked for seldom, and at once when the unit is another one than before. */
function journalErrors({ target, config, redact }: WatchedPlace): {
  refresh: (look: ServiceLook) => Promise<void>;
  lines: () => string[];
} {
  let [lines, state, askedMs]: [string[], string, number] = [[], '', Number.NEGATIVE_INFINITY];
  return {
    lines: () => lines,
    async refresh({ unit }) {
      const now = `${unit?.state} ${unit?.main_pid} ${unit?.restarts}`;
      if (now === state && performance.now() - askedMs < journalEveryMs) return;
      [state, askedMs] = [now, performance.now()];
      const asked = { manager: config.manager, unit: target.unit, priority: 3, lines: mostErrors };
      const entries = await readJournal({ ...asked, sinceMs: Date.now() - journalWindowMs }).catch(() => []);
      lines = entries.map(({ at, message }) => redact(`${at.toISOString().slice(11, 19)} ${message}`));
    },
  };
}
