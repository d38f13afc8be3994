import type { Place } from '../../deployer/place.ts';
import { withSample } from '../../report/page/health.ts';
import type { HealthSample, ShownRequest } from '../../report/page/model.ts';
import { readJournal } from '../../systemd/journal.ts';
import { oneAtATime } from './again.ts';
import type { Disks } from './disks.ts';
import { type Records, recordsReader } from './records.ts';
import { lookAtService, type ServiceLook } from './service-look.ts';

/** A target, and what has to be reached to look at it. */
export type WatchedPlace = Pick<Place, 'target' | 'paths' | 'config' | 'systemd' | 'redact' | 'signal'> & {
  /** what was pushed for the target and is not over */
  requests: () => Promise<ShownRequest[]>;
};

/** All that is known of a target. */
export interface Knowledge {
  records: Records;
  requests: ShownRequest[];
  service: ServiceLook;
  samples: HealthSample[];
  errors: string[];
}

const journalWindowMs = 60 * 60_000;
const mostErrors = 5;
/** To ask the journal is to start a program. */
const journalEveryMs = 30_000;

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
  build: { current: null, serving: null },
  unit: null,
  answers: [],
  sample: null,
};

/**
 * What is known of a target, and what finds it out anew: from files, and from the service itself.
 * @param runs so many of the newest are known
 */
export function knowledgeOf(
  place: WatchedPlace,
  { runs, disks }: { runs: number; disks: Disks },
): { known: () => Knowledge; refreshRecords: () => Promise<void>; refreshService: () => Promise<void> } {
  const readRecords = recordsReader(place, runs);
  let records = noRecords;
  let service = notSeen;
  let samples: HealthSample[] = [];
  let requests: ShownRequest[] = [];
  const errors = journalErrors(place);
  const verifyDisks = (): Promise<unknown> =>
    Promise.all([place.target.builds, place.paths.directory].map(disks.verifyAnswer));
  const refreshRecords = oneAtATime(async () => {
    await verifyDisks();
    [records, requests] = await Promise.all([readRecords(), place.requests().catch(() => requests)]);
  });
  const refreshService = oneAtATime(async () => {
    await verifyDisks();
    service = await lookAtService(place, place.redact);
    if (service.sample) samples = withSample(samples, service.sample);
    await errors.refresh(service);
  });
  const known = (): Knowledge => ({ records, requests, service, samples, errors: errors.lines() });
  return { known, refreshRecords, refreshService };
}

/** What is left of what was known: nothing that goes on, or that is only true of a moment. */
export function outOfSight(known: Knowledge, problem: string): Knowledge {
  const seen = { service: null, notes: [`${problem}: what else is shown is from before`], next: null };
  const records = { ...known.records, running: null, holder: null };
  return { ...known, records, requests: [], service: { ...notSeen, seen } };
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
