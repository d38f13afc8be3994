import type { MonitorAlert } from '../../report/monitor-report.ts';
import { duration } from '../../report/words.ts';
import type { Recovery } from '../../run/recoveries.ts';
import type { Found } from './looks.ts';
import { serviceKey } from './looks.ts';
import type { MonitorState, OpenAlert } from './state.ts';

/** A service that was not well for so long (R5). */
export const downKey = 'down';
export const downMs = 15 * 60_000;
const slowRecoveryMs = 10 * 60_000;
export const recoveryWindowMs = 24 * 60 * 60_000;
const failedRecoveries = 2;
/** What the records of runs tell of. */
const recoveryKeys = { failed: 'recoveries', slow: 'slow-recovery' } as const;

type Wanted = Record<string, Omit<OpenAlert, 'since'>>;

/**
 * The alerts that hold now (R5): what failed so many passes in a row; a service down over 15 min and two failed recoveries in
 * 24 h, which are critical; a recovery over 10 min.
 * @param recoveries those of the last 24 h, each once
 */
export function wantedAlerts(
  { found, problems }: { found: readonly Found[]; problems: MonitorState['problems'] },
  recoveries: readonly Recovery[],
  { failures, nowMs }: { failures: number; nowMs: number },
): Wanted {
  const wanted: Wanted = {};
  for (const { key, level, message, severity = 'warning' } of found) {
    const problem = problems[key];
    if (!problem || level === 'warn' || problem.passes < failures) continue;
    wanted[key] = { severity, message };
  }
  const down = problems[serviceKey];
  const lastedMs = down ? nowMs - Date.parse(down.since) : 0;
  if (lastedMs > downMs) wanted[downKey] = { severity: 'critical', message: `not well for over ${duration(downMs)}` };
  const failed = recoveries.filter(({ outcome, isOver }) => isOver && outcome !== 'deployed').length;
  if (failed >= failedRecoveries) {
    wanted[recoveryKeys.failed] = { severity: 'critical', message: `${failed} recoveries failed within 24 h` };
  }
  const slow = recoveries.find(({ startedMs, endedMs }) => endedMs - startedMs > slowRecoveryMs);
  if (slow) {
    const message = `the recovery of run ${slow.run} took ${duration(slow.endedMs - slow.startedMs)}`;
    wanted[recoveryKeys.slow] = { severity: 'warning', message };
  }
  return wanted;
}

/** Whether an alert is of what the records of runs tell. */
export function isOfRecoveries(key: string): boolean {
  return Object.values<string>(recoveryKeys).includes(key);
}

/** What people are to be told: each alert once when it is raised, and once when it is over; of one that nobody heard of, no end. */
export function changesOf(
  open: MonitorState['alerts'],
  wanted: Wanted,
  nowMs: number,
): { alerts: MonitorAlert[]; open: MonitorState['alerts'] } {
  const now = new Date(nowMs).toISOString();
  const told = Object.fromEntries(Object.entries(open).filter(([, { untold }]) => !untold));
  const since = (key: string): string => (Object.hasOwn(open, key) ? open[key]?.since : undefined) ?? now;
  const raised = Object.entries(wanted).filter(([key]) => !Object.hasOwn(told, key));
  const cleared = Object.entries(told).filter(([key]) => !Object.hasOwn(wanted, key));
  const staying = Object.entries(told).filter(([key]) => Object.hasOwn(wanted, key));
  return {
    alerts: [
      ...raised.map(([key, alert]): MonitorAlert => ({ key, ...alert, state: 'raised', since: since(key) })),
      ...cleared.map(([key, alert]): MonitorAlert => ({ key, ...alert, state: 'cleared' })),
    ],
    open: Object.fromEntries([
      ...staying,
      ...raised.map(([key, alert]): [string, OpenAlert] => [key, { ...alert, since: since(key) }]),
    ]),
  };
}

/**
 * The alerts as the next pass is to find them: what nobody could be told of is raised, or cleared, once more then.
 * @param open those that hold
 * @param before those of the pass before
 */
export function withUntold(
  open: MonitorState['alerts'],
  before: MonitorState['alerts'],
  untold: readonly MonitorAlert[],
): MonitorState['alerts'] {
  const again = untold.flatMap(({ key, state }): [string, OpenAlert][] => {
    const alert = state === 'raised' ? open[key] : before[key];
    return alert ? [[key, state === 'raised' ? { ...alert, untold: true } : alert]] : [];
  });
  return { ...open, ...Object.fromEntries(again) };
}
