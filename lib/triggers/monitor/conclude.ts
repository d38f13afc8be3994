import { ExitCode } from '../../base/errors.ts';
import type { Place } from '../../deployer/place.ts';
import type { MonitorAlert, MonitorFinding, MonitorReport } from '../../report/monitor-report.ts';
import type { RunDocument } from '../../run/document.ts';
import type { Recovery } from '../../run/recoveries.ts';
import { changesOf, wantedAlerts, withUntold } from './alerts.ts';
import type { Known } from './known.ts';
import { type Found, serviceKey } from './looks.ts';
import { noteState } from './note.ts';
import type { Starts } from './starts.ts';
import { type IsSeen, type MonitorState, rowsOf } from './state.ts';

/** What a pass came to, and what it leaves for others to tell. */
export interface Pass {
  report: MonitorReport;
  /** the run that it carried out; null: none */
  document: RunDocument | null;
  /** to be called once people were told of the alerts: then they are not told again, but those that nobody could be told of are */
  remember: (untold: readonly MonitorAlert[]) => Promise<void>;
}

/** When a pass began. */
export interface Began {
  ms: number;
  at: string;
}

/** What a pass saw and did. */
export interface Done {
  found: Found[];
  problems: MonitorState['problems'];
  recoveries: readonly Recovery[];
  /** the problems and alerts that it can speak of: others stay as they were */
  isSeen: IsSeen;
  /** of the unit, where it was looked at whole */
  starts?: Starts;
  actions: string[];
  document: RunDocument | null;
  /** why not all was looked at; null: it was */
  passedOver?: string | null;
  began: Began;
}

/** Finds what people are to be told. */
export function conclude(place: Place, { rules, before, isInBake }: Known, done: Done): Pass {
  const { found, problems, recoveries, isSeen, starts = {}, actions, document, passedOver: why = null, began } = done;
  const nowMs = Date.now();
  const at = new Date(nowMs).toISOString();
  const seen = { found, problems: rowsOf(problems, isSeen) };
  const wanted = wantedAlerts(seen, recoveries, { failures: rules.failures, nowMs });
  const changes = changesOf(rowsOf(before.alerts, isSeen), wanted, nowMs);
  const open = { ...rowsOf(before.alerts, (key) => !isSeen(key)), ...changes.open };
  const state = { ...before, at, ...starts, problems };
  const healthy = found.every(({ level }) => level === 'warn');
  const failures_in_row = problems[serviceKey]?.passes ?? 0;
  const told = { in_bake: isInBake, failures_in_row, actions, alerts: changes.alerts, passed_over: why };
  const findings = found.map((one) => findingOf(one, problems, at));
  const exit_code = healthy ? ExitCode.done : ExitCode.failed;
  return {
    report: { ...reportOf(place, began), ...told, healthy, findings, run: document?.run ?? null, exit_code },
    document,
    remember: async (untold) =>
      void (await noteState(place, { ...state, alerts: withUntold(open, before.alerts, untold) })),
  };
}

/** A pass that looked at nothing. */
export function passedOver(place: Place, why: string, began: Began): Pass {
  const report = { ...reportOf(place, began), passed_over: why };
  return { report, document: null, remember: () => Promise.resolve() };
}

function findingOf({ key, level, message }: Found, problems: MonitorState['problems'], now: string): MonitorFinding {
  const { since = now, passes = 1 } = problems[key] ?? {};
  return { key, level, message, since, passes };
}

function reportOf({ config, target }: Place, { ms, at }: Began): MonitorReport {
  const what = { app: config.app, target: target.name, unit: target.unit, healthy: true, passed_over: null };
  const nothing = { in_bake: false, failures_in_row: 0, findings: [], actions: [], alerts: [] as MonitorAlert[] };
  const when = { checked_at: at, duration_ms: Math.round(performance.now() - ms) };
  return { ...what, ...nothing, run: null, ...when, exit_code: ExitCode.done };
}
