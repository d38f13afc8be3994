import { asTypedElsewhere } from '../typed-elsewhere.ts';
import { duration } from '../words.ts';
import { html, type Html } from './html.ts';
import { clockOf, commandOf, markOf, momentOf, outcomeWord, toneOf } from './labels.ts';
import type { ShownRun, ShownTarget } from './model.ts';
import { closedText, timelineOf } from './timeline.ts';

/** Of those before only as many stand open as are read at night. */
const mostOpen = 8;

/** The past of a target: its time line, and a row for each run that opens to the run in full. */
export function pastOf({ target, runs, config }: ShownTarget, key: string): Html {
  const command = (text: string): Html => commandOf(asTypedElsewhere(text, config));
  if (runs.length === 0) return html`<p class="none">No runs yet: ${command(`cutover deploy ${target}`)}</p>`;
  const idOf = ({ run }: ShownRun): string => `${key}-run-${run}`;
  const rowsOf = (some: readonly ShownRun[]): Html =>
    html`<ul class="runs">${some.map((run) => rowOf(run, { target, id: idOf(run), command }))}</ul>`;
  return html`<h3>Runs</h3>
<p class="legend">Newest at the right. Above the line: time taken; below: port closed. A ring: a recovery, a rollback, a restore.</p>
${timelineOf(runs, idOf)}
<div class="runs-head" aria-hidden="true"><span>Outcome</span><span>Build</span><span>When (UTC)</span><span>Took</span><span>Closed</span></div>
${rowsOf(runs.slice(0, mostOpen))}
${runs.length > mostOpen && html`<details class="older" id="${key}-older"><summary>${runs.length - mostOpen} runs before</summary>${rowsOf(runs.slice(mostOpen))}</details>`}`;
}

/** What a row is about. */
interface About {
  target: string;
  id: string;
  /** a command about it that can be typed as it stands */
  command: (text: string) => Html;
}

function rowOf(run: ShownRun, { id, ...about }: About): Html {
  const { to, downtime_ms, started_at } = run;
  return html`<li id="r-${id}"><details id="${id}"><summary>
<span class="outcome">${markOf(toneOf(run))}<span>${outcomeWord(run)}</span>${run.outcome !== 'deployed' && html` <span class="kind">${run.kind}</span>`}</span>
<span class="build">${to ?? 'no build'} ${originOf(run)}</span>
<span class="when"><time datetime="${started_at}" data-as="clock">${clockOf(started_at).slice(0, 19)}</time></span>
<span class="took"><span class="unseen">took </span>${duration(run.duration_ms)}</span>
<span class="shut"><span class="unseen">${closedText(run)}</span><span aria-hidden="true">${downtime_ms === null ? '\u2013' : downtime_ms === 0 ? 'never' : duration(downtime_ms)}</span></span>
</summary>${fullOf(run, about)}</details></li>`;
}

/** "4f2a9c1 (main)". */
export function originOf({ revision, branch }: { revision: string | null; branch: string | null }): Html | '' {
  if (revision === null && branch === null) return '';
  return html`<span class="origin">${revision ?? ''}${branch === null ? '' : html` (${branch})`}</span>`;
}

function fullOf(run: ShownRun, { target, command }: Omit<About, 'id'>): Html {
  const { from, to, failure, steps, longest_wait_ms } = run;
  const waited = longest_wait_ms === null ? '' : `; nobody waited longer than ${duration(longest_wait_ms)}`;
  return html`<div class="full"><p>${run.sentence}</p>
<p class="quiet">${from ?? 'nothing'} \u2192 ${to ?? 'nothing'}; began ${momentOf(run.started_at, 'clock')}; ${closedText(run)}${waited}</p>
${failure && html`<p>${failure.step} failed (${failure.reason})${failure.evidence && html`; evidence: ${commandOf(failure.evidence)}`}</p>`}
${steps.length > 0 && html`<ol class="steps">${steps.map(stepRow)}</ol>`}
<p class="commands">${command(`cutover report ${target} ${run.run}`)} ${command(`cutover logs ${target} ${run.run}`)}</p></div>`;
}

function stepRow({ name, status, duration_ms }: ShownRun['steps'][number]): Html {
  const tone = status === 'done' ? 'good' : status === 'reverted' ? 'warn' : status === 'skipped' ? 'quiet' : 'bad';
  const word = status.replace('_', ' ');
  return html`<li>${markOf(tone)}${name} <span class="quiet">${word === 'done' ? html`<span class="unseen">done </span>` : `${word} `}${duration(duration_ms)}</span></li>`;
}
