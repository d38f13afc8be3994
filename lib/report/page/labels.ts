import { leftFor } from '../../run/cause.ts';
import { html, type Html } from './html.ts';
import type { RunningStepState, ShownRun, Standing } from './model.ts';

/** How a thing went, for its colour and its shape; a word always stands beside it. */
export type Tone = 'good' | 'bad' | 'warn' | 'quiet' | 'busy';

export const standingTone: Record<Standing, Tone> = { up: 'good', down: 'bad', changing: 'busy', unknown: 'warn' };

export const standingWord: Record<Standing, string> = {
  up: 'up',
  down: 'down',
  changing: 'changing',
  unknown: 'not known',
};

const tones: Record<ShownRun['outcome'], Tone> = {
  deployed: 'good',
  unchanged: 'quiet',
  refused: 'quiet',
  interrupted: 'quiet',
  rolled_back: 'warn',
  failed: 'bad',
};

/** What `deployed` means for runs that deploy nothing new. */
const doneWords: Record<ShownRun['kind'], string> = {
  deploy: 'deployed',
  rollback: 'went back',
  restore: 'restored',
  settle: 'settled',
  recovery: 'recovered',
};

/** The ledger is a file: another version may have written what this one has no word for. */
export function toneOf(run: Pick<ShownRun, 'outcome' | 'cause' | 'from' | 'to'>): Tone {
  const { outcome } = run;
  if (leftFor(run) !== null) return 'warn';
  return tones[outcome] ?? 'quiet';
}

export function outcomeWord({ outcome, kind }: Pick<ShownRun, 'outcome' | 'kind'>): string {
  if (outcome === 'deployed') return doneWords[kind] ?? outcome;
  return outcome.replace('_', ' ');
}

export const stepTone: Record<RunningStepState, Tone> = {
  done: 'good',
  now: 'busy',
  failed: 'bad',
  going_back: 'busy',
  reverted: 'warn',
  revert_failed: 'bad',
  ahead: 'quiet',
};

export const stepWord: Record<RunningStepState, string> = {
  done: 'done',
  now: 'at work',
  failed: 'failed',
  going_back: 'being taken back',
  reverted: 'taken back',
  revert_failed: 'could not be taken back',
  ahead: 'ahead',
};

// Each has a shape of its own: who sees no colours tells them apart as well.
const shapes: Record<Tone, Html> = {
  good: html`<circle cx="8" cy="8" r="7"/><path class="cut" d="M4.6 8.3l2.3 2.4 4.6-5"/>`,
  bad: html`<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path class="cut" d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"/>`,
  warn: html`<path d="M8 1.2L15.4 14.6H.6z"/><path class="cut" d="M8 6v4M8 12v.6"/>`,
  busy: html`<path class="ring" d="M8 2a6 6 0 1 0 6 6"/><path d="M7.6 0l4 2.4-4 2.4z"/>`,
  quiet: html`<circle class="ring" cx="8" cy="8" r="6"/><path class="ring" d="M5.2 8h5.6"/>`,
};

/** A small picture of a tone, for the eye only. */
export function markOf(tone: Tone): Html {
  return html`<svg class="mark ${tone}" viewBox="0 0 16 16" aria-hidden="true">${shapes[tone]}</svg>`;
}

/** A moment. The page turns it into "12 s ago" (`ago`) or "12 s" (`for`), and keeps it up to date. */
export function momentOf(at: string, as: 'ago' | 'for' | 'clock'): Html {
  return html`<time datetime="${at}" data-as="${as}">${as === 'for' ? html`since ${clockOf(at)}` : clockOf(at)}</time>`;
}

/** "2026-02-03 15:11:20 UTC"; what is no time stays as it is. */
export function clockOf(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A command, to be marked with one click. */
export function commandOf(command: string): Html {
  return html`<code class="command">${command}</code>`;
}
