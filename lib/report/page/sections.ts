import { formatSize } from '../../config/quantities.ts';
import { html, type Html } from './html.ts';
import { markOf, momentOf, outcomeWord, standingTone, standingWord, type Tone } from './labels.ts';
import type { PageModel, ShownDisk, ShownTarget } from './model.ts';
import { nowOf } from './now.ts';
import { pastOf } from './run-rows.ts';

/** The page's parts by the id of the element that holds each. */
export type Sections = Record<string, Html>;

/** The parts of the page that change, each by itself. */
export function sectionsOf(model: PageModel): Sections {
  const targets = model.targets.flatMap((shown, index): [string, Html][] => [
    [`t${index}-now`, nowOf(shown, `t${index}`)],
    [`t${index}-past`, pastOf(shown, `t${index}`)],
  ]);
  return { top: topOf(model), ...Object.fromEntries(targets), machine: machineOf(model) };
}

/** All parts in their places. */
export function bodyOf(model: PageModel): Html {
  const sections = sectionsOf(model);
  const part = (id: string): Html => html`<div id="${id}">${sections[id] ?? ''}</div>`;
  const targets = model.targets.map(
    (_, index) =>
      html`<section aria-labelledby="t${index}">${part(`t${index}-now`)}${part(`t${index}-past`)}</section>`,
  );
  return html`${part('top')}${targets}${part('machine')}`;
}

/** "production is down", for the head, the title and who listens. */
export function verdictOf({ targets }: PageModel): { words: string; tone: Tone } {
  const named = (standing: ShownTarget['standing']): string[] =>
    targets.filter((shown) => shown.standing === standing).map(({ target }) => target);
  for (const standing of ['down', 'unknown', 'changing'] as const) {
    const names = named(standing);
    if (names.length === 0) continue;
    const verb = names.length === 1 ? 'is' : 'are';
    return { words: `${names.join(', ')} ${verb} ${standingWord[standing]}`, tone: standingTone[standing] };
  }
  if (targets.length === 1) return { words: `${targets[0]?.target} is up`, tone: 'good' };
  return { words: `all ${targets.length} are up`, tone: 'good' };
}

/** What the tab of the browser says. */
export function titleOf(model: PageModel): string {
  return `${verdictOf(model).words} \u2013 ${model.app}`;
}

/** The outcome of the last run of each target in words: a change of it is said aloud. */
export function newsOf({ targets }: PageModel): Record<string, string> {
  const words = targets.map(({ target, runs: [last] }) => {
    return [target, last ? `${last.kind} ${outcomeWord(last)}: ${last.sentence}` : ''];
  });
  return Object.fromEntries(words) as Record<string, string>;
}

function topOf(model: PageModel): Html {
  const { words, tone } = verdictOf(model);
  const { app, targets } = model;
  const list = targets.map(({ target, standing }, index) => {
    return html`<li><a href="#t${index}">${markOf(standingTone[standing])}${target} <span class="quiet">${standingWord[standing]}</span></a></li>`;
  });
  return html`<h1>${app}</h1><p class="verdict ${tone}">${words}</p>
${targets.length > 1 && html`<nav aria-label="Targets"><ul class="targets">${list}</ul></nav>`}`;
}

function machineOf({ machine, version, at }: PageModel): Html {
  const { memory_total_bytes: total, memory_available_bytes: available, disks } = machine;
  const used = total === 0 ? 0 : (100 * (total - available)) / total;
  return html`<h2 class="small">This machine</h2><ul class="meters">
<li>${meterOf('Memory', used, `${formatSize(available)} of ${formatSize(total)} available`)}</li>
${disks.map(diskOf)}</ul>
<p class="quiet">cutover ${version} \u00B7 as of ${momentOf(at, 'clock')} \u00B7 <a href="/state">as JSON</a></p>`;
}

function diskOf({ path, used_percent, available_bytes }: ShownDisk): Html {
  return html`<li>${meterOf(`Disk at ${path}`, used_percent, `${formatSize(available_bytes)} available`)}</li>`;
}

function meterOf(name: string, percent: number, words: string): Html {
  const whole = Math.max(0, Math.min(100, Math.round(percent)));
  const tone = whole >= 95 ? 'bad' : whole >= 85 ? 'warn' : '';
  return html`<span>${name}</span> <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="all" width="100" height="6"/><rect class="used ${tone}" width="${whole}" height="6"/></svg> <span class="quiet">${whole} % used, ${words}</span>`;
}
