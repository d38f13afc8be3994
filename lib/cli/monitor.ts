import { hostname } from 'node:os';
import { CutoverError, ExitCode } from '../base/errors.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import type { MonitorAlert, MonitorReport } from '../report/monitor-report.ts';
import { monitorLine, monitorText } from '../report/monitor-text.ts';
import { monitor } from '../triggers/monitor.ts';
import { isDue } from '../triggers/monitor/due.ts';
import { passMs, takeTurn } from '../triggers/monitor/turn.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run, Terminal } from './command.ts';
import { type CommandPlace, configFor, placeOf } from './place.ts';
import { interruptSignal } from './signals.ts';

export const run: Run<{ due?: boolean }> = async ([name], options, terminal) => {
  const config = await configFor(options, terminal);
  const target = targetOf(config, name);
  if (options.due && !(await isDue(pathsOf(config, target), target))) {
    if (options.json) terminal.print(JSON.stringify({ target: target.name, passed_over: 'not due', exit_code: 0 }));
    return ExitCode.done;
  }
  const muted: Terminal = { ...terminal, tell: () => {} };
  const place = await placeOf(config, target, { options, terminal: options.quiet ? muted : terminal, log: true });
  const { paths, signal } = place;
  const turn = await takeTurn(paths, { longestMs: passMs(target), signal });
  const { report: found, document, remember } = await whileWorking(place, terminal, () => monitor(place, { turn }));
  if (document) place.emit({ type: 'outcome', document });
  const report = withoutSecrets(found, place);
  if (options.json) terminal.print(JSON.stringify(report));
  else terminal.tell(`${(options.quiet ? monitorLine : monitorText)(report, terminal.colours)}\n`);
  await remember(await tellAlerts(report, place, terminal));
  await turn.release();
  await afterwards(document, place, { terminal, isPruned: false });
  return report.exit_code;
};

/** `app/target` is what the name of an instance of the timer says: it must be the app of this configuration. */
function targetOf(config: Config, name: string | undefined): TargetConfig {
  const [app, target, ...more] = name?.split('/') ?? [];
  if (target === undefined) return targetNamed(config, name);
  if (app === config.app && more.length === 0) return targetNamed(config, target);
  throw new CutoverError('usage', `${name} is not of ${config.app}, which ${config.file} is for`, {
    mend: `known: ${Object.keys(config.targets)
      .map((one) => `${config.app}/${one}`)
      .join(', ')}`,
  });
}

function withoutSecrets(report: MonitorReport, { redact }: Pick<CommandPlace, 'redact'>): MonitorReport {
  const { findings, actions, alerts } = report;
  const hidden = <T extends { message: string }>(one: T): T => ({ ...one, message: redact(one.message) });
  return { ...report, findings: findings.map(hidden), actions: actions.map(redact), alerts: alerts.map(hidden) };
}

/** @returns the alerts that nobody could be told of, although somebody wants to hear of them */
async function tellAlerts(
  { app, target, alerts }: MonitorReport,
  place: CommandPlace,
  terminal: Terminal,
): Promise<MonitorAlert[]> {
  const { notify: channels } = place.config;
  if (alerts.length === 0 || channels.length === 0) return [];
  const { notifyEach, unattendedBounds } = await import('../report/notify/notify.ts');
  const { alertNotice } = await import('../report/notify/alert.ts');
  const notices = alerts.map((alert) =>
    alertNotice(alert, { app, target, host: hostname(), config: place.config.file }),
  );
  const how = { signal: interruptSignal(), env: terminal.env, bounds: unattendedBounds };
  const { problems, untold } = await notifyEach(notices, channels, how);
  for (const message of problems) place.emit({ type: 'note', message });
  return alerts.filter((_, at) => untold.some((notice) => notice === notices[at]));
}
