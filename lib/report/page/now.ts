import { formatSize } from '../../config/quantities.ts';
import { duration } from '../words.ts';
import { answersOf } from './answers.ts';
import { html, type Html } from './html.ts';
import { commandOf, markOf, momentOf, outcomeWord, standingTone, standingWord, toneOf } from './labels.ts';
import type { ShownRun, ShownTarget, ShownUnit } from './model.ts';
import { originOf } from './run-rows.ts';
import { runningPart, waitingPart } from './run-now.ts';

/** How a target stands now: in a second whether it is up, what serves, what happened last, and what to type. */
export function nowOf(shown: ShownTarget, key: string): Html {
  const { target, standing, findings, running } = shown;
  return html`<header class="standing ${standingTone[standing]}">
<h2 id="${key}">${markOf(standingTone[standing])}<span>${target}</span> <strong>${standingWord[standing]}</strong></h2>
<p class="quiet">${sinceOf(shown)}</p></header>
${findings.length > 0 && html`<ul class="findings">${findings.map((one) => html`<li>${one}</li>`)}</ul>`}
${nextPart(shown)}
${running && runningPart(running)}
${waitingPart(shown)}
<dl class="facts">${factRows(shown)}</dl>
${figureRows(shown)}
${errorRows(shown)}`;
}

function sinceOf({ standing, unit_state, unit, strategy, ports }: ShownTarget): Html {
  const where = ports.length === 0 ? '' : html` \u00B7 port ${ports.join(', ')}`;
  const since = unit_state?.since && standing !== 'changing' ? html` \u00B7 ${momentOf(unit_state.since, 'for')}` : '';
  return html`${unit} \u00B7 ${strategy}${where}${since}`;
}

function nextPart({ next, standing }: ShownTarget): Html | false {
  if (next.length === 0) return false;
  const title = standing === 'down' || standing === 'unknown' ? 'Type next' : 'To see more';
  return html`<div class="next"><span>${title}</span> <span class="commands">${next.map((one) => html`${commandOf(one)} `)}</span></div>`;
}

function factRows({ build, health, unit_state, runs, standing }: ShownTarget): Html[] {
  const { current, serving, since, previous } = build;
  const named = html`<b class="id">${current ?? 'nothing'}</b> ${originOf(build)} ${since && html`<span class="quiet">${momentOf(since, 'for')}</span>`}`;
  const isMoved = standing === 'up' && serving !== current;
  const [last] = runs;
  return [
    ...(isMoved ? [row('Serves', html`<b class="id">${serving ?? 'something else'}</b>`)] : []),
    row(standing === 'up' && !isMoved ? 'Serves' : 'Current', named),
    row('Last run', last ? lastOf(last) : html`<span class="quiet">none yet</span>`),
    row('Health', answersOf(health)),
    row('Unit', unit_state ? unitOf(unit_state) : html`<span class="quiet">not known</span>`),
    row('Previous', html`<span class="id">${previous ?? 'none'}</span>`),
  ];
}

function row(name: string, value: Html): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function lastOf(run: ShownRun): Html {
  const ended = new Date(Date.parse(run.started_at) + run.duration_ms).toISOString();
  const isPlain = (run.outcome === 'deployed' && !run.cause) || run.outcome === 'unchanged';
  return html`${markOf(toneOf(run))}<b>${outcomeWord(run)}</b> <span class="quiet">${run.outcome !== 'deployed' && `${run.kind}, `}${momentOf(ended, 'ago')}, took ${duration(run.duration_ms)}</span>${!isPlain && html`<p class="why">${run.sentence}</p>`}`;
}

function unitOf({ state, sub_state, main_pid, restarts, memory_bytes, memory_max_bytes }: ShownUnit): Html {
  const pid = main_pid === null ? '' : `, pid ${main_pid}`;
  const limit = memory_max_bytes === null ? '' : ` of ${formatSize(memory_max_bytes)}`;
  const memory = memory_bytes === null ? '' : `, ${formatSize(memory_bytes)}${limit} of memory`;
  return html`${state} (${sub_state})${pid}, ${restarts === 1 ? '1 restart' : `${restarts} restarts`}${memory}`;
}

function figureRows({ figures }: ShownTarget): Html | false {
  if (!figures) return false;
  const { recovery_success, time_to_recovery_ms, availability, time_between_failures_ms } = figures;
  return html`<dl class="figures">
${figure('Availability', availability, (value) => percent(value, 3))}
${figure('Recoveries that worked', recovery_success, (value) => percent(value, 0))}
${figure('Time to recovery', time_to_recovery_ms, duration)}
${figure('Between failures', time_between_failures_ms, duration)}</dl>`;
}

function percent(share: number, digits: number): string {
  return `${(share * 100).toFixed(digits)} %`;
}

type Figure = NonNullable<ShownTarget['figures']>['availability'];

function figure(name: string, { value, met, observed, means }: Figure, text: (value: number) => string): Html {
  const goal = met === null ? '' : met ? 'goal met' : 'goal missed';
  const word = value === null ? html`\u2013` : html`${text(value)}`;
  return html`<div title="${means}"><dt>${name}</dt><dd><b class="${met === false ? 'bad' : ''}">${word}</b> <span class="quiet">${observed}${goal && `; ${goal}`}</span></dd></div>`;
}

function errorRows({ recent_errors }: ShownTarget): Html | false {
  if (recent_errors.length === 0) return false;
  return html`<h3>Errors in the journal, last hour</h3><ul class="errors">${recent_errors.map((line) => html`<li>${line}</li>`)}</ul>`;
}
