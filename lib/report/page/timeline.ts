import { duration } from '../words.ts';
import { html, type Html } from './html.ts';
import { clockOf, outcomeWord, toneOf } from './labels.ts';
import type { ShownRun } from './model.ts';

/** In the picture's own units. */
const [width, top, middle, bottom] = [16, 4, 52, 76];

/** Two names of days need so many columns between them. */
const dayColumns = 4;

/** From a tenth of a second to a quarter of an hour: a deploy takes one or the other. */
const [shortestMs, longestMs] = [100, 900_000];

/**
 * Runs side by side, the newest at the right, each as wide as the next: above the line how long it took, below how long the
 * port was closed, both so that ten times as long is one step more. Each leads to the run in full.
 * @param runs newest first
 */
export function timelineOf(runs: readonly ShownRun[], idOf: (run: ShownRun) => string): Html {
  const columns = runs.toReversed();
  let lastDay = Number.NEGATIVE_INFINITY;
  const items = columns.map((run, index) => {
    const isNewDay = dayOf(run) !== dayOf(columns[index - 1]);
    const isNamed = isNewDay && index - lastDay >= dayColumns;
    if (isNamed) lastDay = index;
    return columnOf(run, { id: idOf(run), day: isNamed ? dayOf(run) : null, isNewDay });
  });
  return html`<ol class="timeline" aria-label="Time line of runs, oldest first">${items}</ol>`;
}

function columnOf(run: ShownRun, { id, day, isNewDay }: { id: string; day: string | null; isNewDay: boolean }): Html {
  const words = `${run.kind} ${outcomeWord(run)}, ${clockOf(run.started_at)}, took ${duration(run.duration_ms)}, ${closedText(run)}`;
  return html`<li id="c-${id}"${isNewDay ? html` class="day"` : ''}><a href="#${id}" title="${words}" aria-label="${words}">
<svg viewBox="0 0 ${width} ${bottom}" aria-hidden="true">${picture(run)}</svg></a>${day === null ? '' : html`<span class="date" aria-hidden="true">${day}</span>`}</li>`;
}

function picture(run: ShownRun): Html {
  const tone = toneOf(run);
  const up = Math.round(4 + scale(run.duration_ms) * (middle - top - 18));
  const closed = run.downtime_ms ?? 0;
  const down = closed === 0 ? 0 : Math.round(3 + scale(closed) * (bottom - middle - 5));
  return html`<rect class="took ${tone}" x="6" y="${middle - up}" width="4" height="${up}"/>
<path class="axis" d="M0 ${middle}h${width}"/>
${down === 0 ? '' : html`<rect class="closed" x="6" y="${middle + 2}" width="4" height="${down}"/>`}
${headOf(run, middle - up - 5)}`;
}

/** What stands on the bar: a shape for each tone; what was good and no deploy is a ring. */
function headOf(run: ShownRun, y: number): Html {
  switch (toneOf(run)) {
    case 'good':
      if (run.kind !== 'deploy') return html`<circle class="stroke good" cx="8" cy="${y}" r="3.5"/>`;
      return html`<circle class="head good" cx="8" cy="${y}" r="4"/>`;
    case 'warn':
      return html`<path class="head warn" d="M8 ${y - 5}l5 9H3z"/>`;
    case 'bad':
      return html`<path class="stroke bad" d="M4 ${y - 4}l8 8M12 ${y - 4}l-8 8"/>`;
    default:
      return html`<path class="stroke quiet" d="M4 ${y}h8"/>`;
  }
}

/** 0 to 1, by the logarithm. */
function scale(ms: number): number {
  const share = Math.log(Math.max(ms, shortestMs) / shortestMs) / Math.log(longestMs / shortestMs);
  return Math.min(1, share);
}

/** "the port was closed for 301 ms", in few words. */
export function closedText({ downtime_ms }: Pick<ShownRun, 'downtime_ms'>): string {
  if (downtime_ms === null) return 'closed time not measured';
  return downtime_ms === 0 ? 'port never closed' : `port closed ${duration(downtime_ms)}`;
}

function dayOf(run: ShownRun | undefined): string {
  return run ? clockOf(run.started_at).slice(5, 10) : '';
}
