import type { Outcome } from '../../run/document.ts';
import type { RunKind } from '../../run/inputs.ts';
import type { Family, Sample } from './exposition.ts';
import type { PresentFacts, TargetFacts } from './facts.ts';
import { samplesOfSpread } from './spread.ts';

/** A family, and how its samples are made from what is known of a target. Each sample is given app and target besides. */
export interface FamilyRow extends Omit<Family, 'samples'> {
  samples: (facts: TargetFacts) => Sample[];
}

/** The kinds and outcomes that a run's record may have; what happened never yet is 0, so that the first time shows as a rise. */
const kinds: readonly RunKind[] = ['deploy', 'rollback', 'restore', 'recovery'];
const outcomes: readonly Outcome[] = ['deployed', 'rolled_back', 'failed', 'refused', 'interrupted'];

/** Every metric that there is. */
export const familyRows: readonly FamilyRow[] = [
  {
    name: 'cutover_target_info',
    type: 'gauge',
    help: 'What the target is: its unit, its strategy, and the version of cutover that looked at it. Always 1.',
    samples: ({ unit, strategy, version }) => [{ labels: { unit, strategy, version }, value: 1 }],
  },
  {
    name: 'cutover_runs_total',
    type: 'counter',
    help: 'Runs that began and ended, by kind and outcome. One that its checks refused never began.',
    samples: countsOf,
  },
  {
    name: 'cutover_run_failures_total',
    type: 'counter',
    help: 'Runs in which a step failed, by the reason of the failure.',
    samples: ({ tally }) => tally.failures.map(({ reason, count }) => ({ labels: { reason }, value: count })),
  },
  {
    name: 'cutover_run_duration_seconds',
    type: 'histogram',
    help: 'How long runs took, the way back included.',
    samples: ({ tally }) => tally.durations.flatMap((spread) => samplesOfSpread(spread, { kind: spread.kind })),
  },
  {
    name: 'cutover_run_downtime_seconds',
    type: 'histogram',
    help: 'How long nothing accepted on the port during a run, where that was measured.',
    samples: ({ tally }) => tally.downtimes.flatMap((spread) => samplesOfSpread(spread, { kind: spread.kind })),
  },
  {
    name: 'cutover_recoveries_total',
    type: 'counter',
    help: 'Recoveries that are over, by outcome: each once, however many runs it tried.',
    samples: ({ tally }) =>
      (['recovered', 'failed'] as const).map((outcome) => ({
        labels: { outcome },
        value: tally.recoveries.find((row) => row.outcome === outcome)?.count ?? 0,
      })),
  },
  {
    name: 'cutover_recovery_duration_seconds',
    type: 'histogram',
    help: 'How long recoveries took, from the first attempt to the end of the last, the pauses included.',
    samples: ({ tally }) => tally.recovery_durations.flatMap((spread) => samplesOfSpread(spread, {})),
  },
  {
    name: 'cutover_last_run_timestamp_seconds',
    type: 'gauge',
    help: 'When the last run of this kind and outcome ended, in seconds since 1970.',
    samples: ({ tally }) =>
      tally.runs.map(({ kind, outcome, last_ended_ms: ms }) => ({ labels: { kind, outcome }, value: ms / 1_000 })),
  },
  {
    name: 'cutover_last_run_outcome',
    type: 'gauge',
    help: 'How the last run of all ended: 1 for its outcome, 0 for the others.',
    samples: ({ lastRun }) =>
      lastRun ? outcomes.map((outcome) => ({ labels: { outcome }, value: Number(lastRun.outcome === outcome) })) : [],
  },
  {
    name: 'cutover_run_in_flight',
    type: 'gauge',
    help: 'Whether a run has begun and not ended: it is at work, or was cut off.',
    samples: present(({ isInFlight }) => Number(isInFlight)),
  },
  {
    name: 'cutover_target_seen',
    type: 'gauge',
    help: 'Whether the unit could be looked at; if not, nothing is said of its health.',
    samples: (facts) => [{ labels: {}, value: Number(facts.present !== null) }],
  },
  {
    name: 'cutover_target_healthy',
    type: 'gauge',
    help: 'Whether the unit is up, listens on its ports and answers as it should.',
    samples: present(({ healthy }) => Number(healthy)),
  },
  {
    name: 'cutover_unit_active',
    type: 'gauge',
    help: 'Whether systemd calls the unit active.',
    samples: present(({ active }) => Number(active)),
  },
  {
    name: 'cutover_unit_restarts_total',
    type: 'counter',
    help: 'How often systemd has restarted the unit by itself; an explicit start begins anew.',
    samples: present(({ restarts }) => restarts),
  },
  {
    name: 'cutover_unit_memory_bytes',
    type: 'gauge',
    help: 'Memory of the unit, where systemd measures it.',
    samples: present(({ memoryBytes }) => memoryBytes),
  },
  {
    name: 'cutover_unit_state_change_timestamp_seconds',
    type: 'gauge',
    help: 'When the unit came into the state that it is in, in seconds since 1970.',
    samples: present(({ changedMs }) => (changedMs === null ? null : changedMs / 1_000)),
  },
  {
    name: 'cutover_build_info',
    type: 'gauge',
    help: 'The build that the unit runs, and what it was made from. Always 1; there is none while no build runs.',
    samples: ({ present: now }) => {
      if (!now || now.build === null) return [];
      const { build, revision, branch } = now;
      return [{ labels: { build, revision: revision ?? '', branch: branch ?? '' }, value: 1 }];
    },
  },
  {
    name: 'cutover_builds',
    type: 'gauge',
    help: 'Builds in the directory of the target.',
    samples: ({ builds }) => (builds ? [{ labels: {}, value: builds.there }] : []),
  },
  {
    name: 'cutover_builds_quarantined',
    type: 'gauge',
    help: 'Builds that failed their gate and are not picked again.',
    samples: ({ builds }) => (builds ? [{ labels: {}, value: builds.quarantined }] : []),
  },
  {
    name: 'cutover_disk_size_bytes',
    type: 'gauge',
    help: 'Size of the file system that holds builds or state.',
    samples: ({ disks }) => disks.map(({ path, sizeBytes }) => ({ labels: { path }, value: sizeBytes })),
  },
  {
    name: 'cutover_disk_available_bytes',
    type: 'gauge',
    help: 'What others than root may still write on the file system that holds builds or state.',
    samples: ({ disks }) => disks.map(({ path, availableBytes }) => ({ labels: { path }, value: availableBytes })),
  },
];

/** The families of many targets, each with the samples of all of them. */
export function familiesOf(targets: readonly TargetFacts[]): Family[] {
  return familyRows.map(({ samples, ...row }) => {
    const of = (facts: TargetFacts): Sample[] => {
      const { app, target } = facts;
      return samples(facts).map((sample) => ({ ...sample, labels: { app, target, ...sample.labels } }));
    };
    return { ...row, samples: targets.flatMap(of) };
  });
}

/** A single value of the present; none where it is not known. */
function present(valueOf: (now: PresentFacts) => number | null): FamilyRow['samples'] {
  return ({ present: now }) => {
    const value = now && valueOf(now);
    return value === null ? [] : [{ labels: {}, value }];
  };
}

function countsOf({ tally }: TargetFacts): Sample[] {
  const known = kinds.flatMap((kind) => outcomes.map((outcome) => ({ kind, outcome, count: 0 })));
  const isKnown = ({ kind, outcome }: { kind: string; outcome: string }): boolean =>
    known.some((one) => one.kind === kind && one.outcome === outcome);
  const others = tally.runs.filter((row) => !isKnown(row));
  return [...known, ...others].map(({ kind, outcome }) => {
    const count = tally.runs.find((row) => row.kind === kind && row.outcome === outcome)?.count ?? 0;
    return { labels: { kind, outcome }, value: count };
  });
}
