import type { Colours } from './colour.ts';
import type { Glance, RecoveryReport, TargetRecovery } from './recovery-report.ts';
import { duration } from './words.ts';

/** A recovery for who reads it at 3 a.m.: a block for each target with what was found, done, and is to be typed; then the sum. */
export function recoverText(report: RecoveryReport, colours: Colours): string {
  const { targets, healthy, total, quorum, recovered, attempts, duration_ms } = report;
  const width = Math.max(...targets.map(({ target }) => target.length));
  const blocks = targets.map((one) => targetText(one, { width, colours }));
  const wanted = `${Math.round(quorum * 100)} % are wanted`;
  const tried = attempts === 0 ? 'looked only' : `${attempts} attempt${attempts === 1 ? '' : 's'}`;
  const sum = `${healthy} of ${total} healthy, ${wanted} (${tried}, ${duration(duration_ms)})`;
  const verdict = recovered ? colours.green(sum) : colours.bold(colours.red(`NOT RECOVERED: ${sum}`));
  return [...blocks, verdict].join('\n');
}

function targetText(
  { target, unit, before, after, findings, actions, next, run }: TargetRecovery,
  { width, colours }: { width: number; colours: Colours },
): string {
  const mark = after.healthy ? colours.green('✓') : colours.red('✗');
  const head = `${mark} ${target.padEnd(width)}  ${unit}: ${changeText(before, after)}${run === null ? '' : `, run ${run}`}`;
  return [
    head,
    ...findings.map((text) => row('found', text)),
    ...actions.map((text) => row('did', text)),
    ...(next === null ? [] : [colours.bold(row('next', next))]),
  ].join('\n');
}

function changeText(before: Glance, after: Glance): string {
  const [then, now] = [glanceText(before), glanceText(after)];
  return then === now ? now : `${then} -> ${now}`;
}

function glanceText({ healthy, state, sub_state }: Glance): string {
  if (healthy) return 'healthy';
  return state === 'active'
    ? 'active, but NOT HEALTHY'
    : `${state}${sub_state && sub_state !== state ? ` (${sub_state})` : ''}`;
}

function row(name: string, text: string): string {
  return `    ${name.padEnd(6)} ${text.replaceAll('\n', ' ')}`;
}
