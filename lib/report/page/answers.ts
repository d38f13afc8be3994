import { duration } from '../words.ts';
import { html, type Html } from './html.ts';
import type { HealthSample, ShownHealth } from './model.ts';

const [width, height] = [180, 28];

/** The last answer about the health, how often there was a bad one, and the response times as a small curve. */
export function answersOf({ answers, samples, asked, failed, error_rate, median_ms, window_ms }: ShownHealth): Html {
  if (asked === 0) return html`<span class="quiet">not asked yet</span>`;
  const rate = ((error_rate ?? 0) * 100).toFixed(failed === 0 || failed === asked ? 0 : 1);
  const median = median_ms === null ? 'no good answer' : `median ${duration(median_ms)}`;
  const over = window_ms === 0 ? '' : ` in ${duration(window_ms)}`;
  const questions = `${asked} question${asked === 1 ? '' : 's'}`;
  return html`<ul class="answers">${answers.map(answerOf)}</ul>
<span class="curve">${curveOf(samples)}<span class="quiet"><b class="${failed > 0 ? 'bad' : ''}">${rate} % failed</b> (${failed} of ${questions}${over}), ${median}</span></span>`;
}

function answerOf({ url, status, problem, response_ms }: ShownHealth['answers'][number]): Html {
  const word = problem === null ? html`${status ?? 'good'}` : html`<b class="bad">${problem}</b>`;
  return html`<li>${word} in ${duration(response_ms)} <span class="quiet url">${url}</span></li>`;
}

function curveOf(samples: readonly HealthSample[]): Html {
  const slowest = Math.max(20, ...samples.map(({ response_ms }) => response_ms));
  const step = width / Math.max(20, samples.length - 1);
  const points = samples.map(({ ok, response_ms }, index) => {
    return { ok, x: round(index * step), y: round(height - 2 - (response_ms / slowest) * (height - 4)) };
  });
  const line = points.map(({ x, y }) => `${x},${y}`).join(' ');
  const bad = points.filter(({ ok }) => !ok).map(({ x }) => html`<path class="missed" d="M${x} 1V${height - 1}"/>`);
  const words = `response times of the last ${samples.length} questions, the slowest ${duration(slowest)}`;
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" role="img" aria-label="${words}">
<polyline points="${line}"/>${bad}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
