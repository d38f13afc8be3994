import type { Redact } from '../base/redactor.ts';
import { delayed, withDeadline } from '../base/wait.ts';
import { leftFor } from '../run/cause.ts';
import type { RunDocument } from '../run/document.ts';
import type { Listener, RunEvent } from '../run/events.ts';
import { inTurn, type JournalFields, journalWriter, type JournalWriter } from '../systemd/journal-entry.ts';
import { sentenceAlone, wayBackWords } from './words.ts';

/** What each kind of entry is known by: `journalctl MESSAGE_ID=…`. Constant for ever. */
export const messageIds = {
  begun: '7fd6aa664c824543bac1b7ed64f3d1da',
  step_failed: '8e2aa2c1f9184ca082be3df81d58e539',
  going_back: '827851934fdc45eb9fc8262db03c8449',
  ended: 'c4b483a8cbd14581a3f2df497c823f5b',
  settled: '75467d48bade444388631414e93fd9e3',
  pruned: '87951125a94e43cbbfc07535a597df3b',
} as const;

/** syslog(3) */
const priorityOf = { crit: 2, err: 3, warning: 4, notice: 5, info: 6 } as const;

const priorityOfOutcome: Record<RunDocument['outcome'], keyof typeof priorityOf> = {
  deployed: 'notice',
  unchanged: 'info',
  refused: 'warning',
  rolled_back: 'warning',
  failed: 'crit',
  interrupted: 'notice',
};

/** A stop, and what comes between it and the start, is mostly over by then. */
const quietMs = 30;
/** So is a way back; a run that takes longer may be killed before its outcome is told. */
const busyMs = 1_000;

/** For a journal that does not answer. */
const lastWait = { what: 'the journal did not answer', timeoutMs: 5_000 };

interface JournalOptions {
  writer?: JournalWriter;
  redact?: Redact;
}

type About = Record<'app' | 'target' | 'unit', string>;
type Entry = {
  kind: keyof typeof messageIds;
  priority: keyof typeof priorityOf;
  message: string;
  more?: JournalFields;
};

/**
 * Tells the systemd journal the story of a run, so that `journalctl CUTOVER_TARGET=production` reads it: begin, failed steps,
 * the way back, the outcome, what was settled and pruned. To start a program costs some milliseconds, so while the port closes none
 * is, and most is written when the outcome is told, or after a second: only the begin, that of a run that is killed later too, is
 * written while a step waits, as for the new build to load, and what writes the outcome is begun then, or else at the gate.
 * @param options nobody waits for the `writer` during the run; `redact` hides secrets
 * @returns `ended` resolves when everything so far is written, or no longer waited for
 */
export function journalListener(
  about: About,
  { writer = journalWriter(), redact = (text) => text }: JournalOptions = {},
): { listen: Listener; ended: () => Promise<void> } {
  let run: string | null = null;
  const entries = inTurn(writer.write);
  const [flushAfter, prepareAfter] = [delayed(entries.flush), delayed(writer.prepare)];
  const listen: Listener = (event) => {
    run = runOf(event) ?? run;
    const entry = entryOf(event);
    if (entry) {
      entries.hold(hidden(fieldsOf(entry, { ...about, run }), redact));
      flushAfter(entry.kind === 'begun' ? quietMs : busyMs);
    }
    beginWhileIdle(event, prepareAfter);
    if (event.type === 'outcome') entries.flush();
  };
  return {
    listen,
    ended() {
      entries.flush();
      return withDeadline(lastWait, entries.written).catch(() => {});
    },
  };
}

/** What writes how it ended is begun while a build starts, or at last while it is asked. */
function beginWhileIdle(event: RunEvent, prepareAfter: (afterMs: number) => void): void {
  if (event.type !== 'step' || event.state !== 'begun') return;
  if (event.name === 'start') prepareAfter(quietMs);
  if (event.name === 'gate') prepareAfter(0);
}

function runOf(event: RunEvent): string | null {
  if (event.type === 'begin') return event.inputs.run;
  return event.type === 'outcome' || event.type === 'settled' ? event.document.run : null;
}

function entryOf(event: RunEvent): Entry | null {
  switch (event.type) {
    case 'begin':
      return event.isResumed ? null : begun(event);
    case 'step':
      return stepFailed(event);
    case 'going_back':
      return { kind: 'going_back', priority: 'warning', message: wayBackWords(event) };
    case 'settled':
      return settled(event.document);
    case 'pruned':
      return { kind: 'pruned', priority: 'info', message: `removed old builds: ${event.builds.join(', ')}` };
    case 'outcome':
      return ended(event.document);
    default:
      return null;
  }
}

function begun({ inputs }: Extract<RunEvent, { type: 'begin' }>): Entry {
  const { kind, from, to, revision, branch, cause } = inputs;
  const more = { CUTOVER_KIND: kind, CUTOVER_BUILD: to, CUTOVER_REVISION: revision, CUTOVER_BRANCH: branch };
  const why = cause ? `, since ${cause.by} found ${cause.message}` : '';
  return { kind: 'begun', priority: 'info', message: `${kind} ${from ?? '(nothing)'} -> ${to}${why}`, more };
}

function stepFailed({ name, state, message }: Extract<RunEvent, { type: 'step' }>): Entry | null {
  if (state !== 'failed' && state !== 'revert_failed') return null;
  const what = state === 'failed' ? `${name} failed` : `${name} could not be taken back`;
  const more = { CUTOVER_STEP: name };
  return { kind: 'step_failed', priority: 'err', message: `${what}: ${message ?? 'no reason given'}`, more };
}

function ended(document: RunDocument): Entry | null {
  const { outcome, kind } = document;
  // Nothing happened, and a timer may ask every minute.
  if (outcome === 'unchanged') return null;
  if (kind === 'settle') return settled(document);
  return {
    kind: 'ended',
    priority: leftFor(document) === null ? priorityOfOutcome[outcome] : 'warning',
    message: sentenceAlone(document),
    more: facts(document),
  };
}

function settled(document: RunDocument): Entry {
  const message = `run ${document.run} had been cut off, and was ended: ${sentenceAlone(document)}`;
  const priority = document.outcome === 'failed' ? 'crit' : 'warning';
  return { kind: 'settled', priority, message, more: facts(document) };
}

function facts({
  kind,
  outcome,
  to,
  revision,
  branch,
  duration_ms,
  downtime_ms,
  failure,
  cause,
}: RunDocument): JournalFields {
  return {
    CUTOVER_KIND: kind,
    CUTOVER_OUTCOME: outcome,
    CUTOVER_BUILD: to,
    CUTOVER_REVISION: revision,
    CUTOVER_BRANCH: branch,
    CUTOVER_DURATION_MS: duration_ms,
    CUTOVER_DOWNTIME_MS: downtime_ms,
    CUTOVER_STEP: failure?.step,
    CUTOVER_REASON: (failure ?? cause)?.reason,
  };
}

function fieldsOf(
  { kind, priority, message, more }: Entry,
  { app, target, unit, run }: About & { run: string | null },
): JournalFields {
  return {
    MESSAGE: `${app} ${target}: ${message}`,
    MESSAGE_ID: messageIds[kind],
    PRIORITY: priorityOf[priority],
    SYSLOG_IDENTIFIER: 'cutover',
    CUTOVER_APP: app,
    CUTOVER_TARGET: target,
    CUTOVER_UNIT: unit,
    CUTOVER_RUN: run,
    // An entry may be written later than what it tells of.
    CUTOVER_AT: new Date().toISOString(),
    ...more,
  };
}

function hidden(fields: JournalFields, redact: Redact): JournalFields {
  const texts = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? redact(value) : value,
  ]);
  return Object.fromEntries(texts) as JournalFields;
}
