import { checkLines } from './terminal.ts';
import type { Colours } from './colour.ts';
import { duration, sentenceOf, type ToldRun } from './words.ts';

/** Rows as columns, each as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What a build was made from: "4f2a9c1 (main)"; null where nothing is known. */
export function originText({ revision, branch }: { revision: string | null; branch: string | null }): string | null {
  if (revision === null) return branch;
  return branch === null ? revision : `${revision} (${branch})`;
}

/** Past runs, one a line. */
export function historyText(runs: readonly ToldRun[]): string {
  if (runs.length === 0) return 'no runs yet';
  const head = ['RUN', 'KIND', 'OUTCOME', 'FROM', 'TO', 'TOOK', 'DOWN', 'REASON'];
  const rows = runs.map(({ run, kind, from, to, duration_ms, downtime_ms, ...ended }) => [
    run ?? '',
    kind,
    outcomeText(ended),
    from ?? '-',
    to ?? '-',
    duration(duration_ms),
    downtime_ms === null ? '-' : duration(downtime_ms),
    reasonText(ended),
  ]);
  return columns([head, ...rows]);
}

/** How a run ended, in a word; of one that changed something and left no outcome that is not known. */
export function outcomeText({ outcome, unfinished, steps }: Pick<ToldRun, 'outcome' | 'unfinished' | 'steps'>): string {
  return unfinished?.state === 'not_recorded' && steps.length > 0 ? 'not recorded' : outcome;
}

/** What a run failed for, what was refused, or what it was begun for; in few words. */
export function reasonText({ failure, cause, checks }: Pick<ToldRun, 'failure' | 'cause' | 'checks'>): string {
  if (failure) return `${failure.step}: ${failure.reason}`;
  if (cause) return `${cause.by}: ${cause.reason}`;
  const failed = checks.filter(({ status }) => status === 'fail').map(({ name }) => name);
  return failed.length === 0 ? '' : `checks: ${failed.join(', ')}`;
}

function timesText({ duration_ms, downtime_ms, longest_wait_ms }: ToldRun): string {
  const closed = downtime_ms === null ? 'downtime not measured' : `port closed ${duration(downtime_ms)}`;
  const waited = typeof longest_wait_ms === 'number' ? `, longest wait ${duration(longest_wait_ms)}` : '';
  return `took ${duration(duration_ms)}, ${closed}${waited}`;
}

/** One run in full. */
export function reportText(document: ToldRun, colours: Colours): string {
  const { run, kind, app, target, unit, strategy, from, to, started_at, steps, checks, failure } = document;
  // The ledger of an earlier version has neither.
  const origin = originText({ revision: document.revision ?? null, branch: document.branch ?? null });
  const rows = steps.map(
    ({ name, status, duration_ms, warning }) =>
      `  ${name.padEnd(15)} ${status.padEnd(13)} ${duration(duration_ms)}${warning ? `: ${warning}` : ''}`,
  );
  return [
    colours.bold(`${kind} ${run}`),
    `  ${app} ${target} (${unit}), strategy ${strategy}, started ${started_at}`,
    `  ${from ?? '(nothing)'} -> ${to ?? '(nothing)'}`,
    ...(origin === null ? [] : [`  made from ${origin}`]),
    ...checks.flatMap((answer) => checkLines(answer, colours)),
    ...rows,
    ...causeLines(document),
    ...(document.unfinished ? [] : [`  ${timesText(document)}`]),
    ...(failure
      ? [
          `  failed at ${failure.step} (${failure.reason}): ${failure.message}`,
          `  evidence: ${failure.evidence ?? 'none'}`,
        ]
      : []),
    sentenceOf(document),
  ].join('\n');
}

function causeLines({ cause, failure }: ToldRun): string[] {
  if (!cause) return [];
  const kept = failure ? [] : [`  evidence: ${cause.evidence ?? 'none'}`];
  return [`  begun by ${cause.by} (${cause.reason}): ${cause.message}`, ...kept];
}
