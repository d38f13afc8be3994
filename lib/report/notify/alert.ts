import type { MonitorAlert } from '../monitor-report.ts';
import { bounded, naming, type Notice } from './notice.ts';

/** What to tell of an alert that was raised, or that is over. */
export function alertNotice(
  alert: MonitorAlert,
  { app, target, host, config }: { app: string; target: string; host: string; config: string | null },
): Notice {
  const { key, severity, state, message, since } = alert;
  const raised = severity === 'critical' ? '🚨 CRITICAL, act now' : '⚠️ warning';
  const title = `${state === 'raised' ? raised : '✅ over'}: ${app} ${target}`;
  const facts: Notice['facts'] = [
    ['Alert', key],
    ['Since', since],
    ['Machine', host],
  ];
  const commands = state === 'raised' ? [`cutover status ${target}`, `cutover logs ${target} --unit`] : [];
  return bounded({
    kind: 'alert',
    title,
    sentence: message,
    facts,
    commands: naming(config, commands),
    document: { kind: 'alert', app, target, ...alert },
  });
}
