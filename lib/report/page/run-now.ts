import { duration } from '../words.ts';
import { html, type Html } from './html.ts';
import { markOf, momentOf, stepTone, stepWord } from './labels.ts';
import type { RunningStep, ShownRequest, ShownRunning, ShownTarget } from './model.ts';
import { originOf } from './run-rows.ts';

/** A run that has not ended, with its steps. */
export function runningPart(running: ShownRunning): Html {
  const { kind, run, from, to, started_at, steps, failure, state } = running;
  const word = state === 'cut_off' ? 'was cut off' : failure ? 'goes back' : 'is at work';
  const proving = isProvingBack(running);
  return html`<div class="running ${state}"><h3>${kind} ${word} <span class="quiet">${momentOf(started_at, 'for')} \u00B7 ${run}</span></h3>
<p><span class="id">${from ?? 'nothing'}</span> \u2192 <b class="id">${to}</b> ${originOf(running)}</p>
${failure && html`<p class="bad">${failure.step} failed: ${failure.message}</p>`}
<ol class="steps">${steps.map(stepOf)}${proving && html`<li class="busy">${markOf('busy')}the build before is proven again</li>`}</ol></div>`;
}

/** What goes on before a run begins: whoever has the target, and what was pushed. */
export function waitingPart({ holder, requests }: Pick<ShownTarget, 'holder' | 'requests'>): Html | false {
  if (holder === null && requests.length === 0) return false;
  return html`<ul class="waiting">${holder && html`<li>${markOf('busy')}<b>${holder.doing}</b> is at work <span class="quiet">${momentOf(holder.since, 'for')} \u00B7 pid ${holder.pid} \u00B7 ${holder.user}</span></li>`}
${requests.map(requestOf)}</ul>`;
}

function requestOf({ id, state, branch, revision, queued_at, stage }: ShownRequest): Html {
  const word = state === 'queued' ? 'waits' : stage === null ? 'is carried out' : `is carried out: ${stage}`;
  const mark = markOf(state === 'queued' ? 'quiet' : 'busy');
  return html`<li>${mark}<b>push</b> ${originOf({ branch, revision })} ${word} <span class="quiet">${momentOf(queued_at, 'for')} \u00B7 ${id}</span></li>`;
}

/** After the last step was taken back the build before has to pass the gate, which is no step. */
function isProvingBack({ failure, steps, state }: ShownRunning): boolean {
  const isOver = steps.every((step) => step.state !== 'now' && step.state !== 'going_back');
  return state === 'at_work' && failure !== null && isOver && steps.some((step) => step.state === 'reverted');
}

function stepOf({ name, state, began_at, duration_ms }: RunningStep): Html {
  const isNow = state === 'now' || state === 'going_back';
  const time =
    isNow && began_at !== null ? momentOf(began_at, 'for') : duration_ms === null ? '' : duration(duration_ms);
  const word =
    state === 'done' || isNow ? html`<span class="unseen">${stepWord[state]} </span>` : html`${stepWord[state]} `;
  return html`<li class="${stepTone[state]}"${isNow && html` aria-current="step"`}>${markOf(stepTone[state])}${name} <span class="quiet">${word}${time}</span></li>`;
}
