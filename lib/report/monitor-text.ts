import type { Colours } from './colour.ts';
import type { MonitorReport } from './monitor-report.ts';

/** What a pass of the monitor came to, for people. */
export function monitorText(report: MonitorReport, { bold, red, green, yellow }: Colours): string {
  const { target, healthy, passed_over, findings, actions, alerts } = report;
  if (passed_over !== null) return `${bold(target)} passed over: ${passed_over}`;
  const mark = healthy ? green('healthy') : red('NOT HEALTHY');
  return [
    `${bold(target)} ${mark}`,
    ...findings.map(({ level, message, passes }) => {
      const times = passes > 1 ? ` (${passes} passes in a row)` : '';
      return level === 'fail' ? red(`  ✗ ${message}${times}`) : yellow(`  ! ${message}${times}`);
    }),
    ...actions.map((action) => `  -> ${action}`),
    ...alerts.map(({ state, severity, message }) =>
      state === 'raised' ? `  alert (${severity}): ${message}` : `  over: ${message}`,
    ),
  ].join('\n');
}

/** The same in one line, as a timer's journal and `--quiet` have it. */
export function monitorLine(report: MonitorReport, { bold, red, green }: Colours): string {
  const { target, healthy, passed_over, findings, actions, alerts } = report;
  if (passed_over !== null) return `${bold(target)} passed over: ${passed_over}`;
  const over = alerts.filter(({ state }) => state === 'cleared').map(({ message }) => `over: ${message}`);
  const said = [...findings.map(({ message }) => message), ...actions, ...over].join('; ');
  return `${bold(target)} ${healthy ? green('healthy') : red('NOT HEALTHY')}${said && `: ${said}`}`;
}
