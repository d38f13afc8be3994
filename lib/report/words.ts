import { basename } from 'node:path';
import type { ManagerKind } from '../config/model.ts';
import { leftFor } from '../run/cause.ts';
import type { RunDocument } from '../run/document.ts';
import type { RunEvent } from '../run/events.ts';
import { journalctl, systemctl } from '../systemd/typed.ts';

/** What is known of a run that left no outcome. */
export interface Unfinished {
  /** `cut_off`: it waits to be settled; `not_recorded`: it has ended, and its end could not be written */
  state: 'at_work' | 'cut_off' | 'not_recorded';
  /** the process at work on it */
  pid: number | null;
}

/** A run as it is told afterwards, or while it goes on; its outcome says `interrupted` where there is none yet. */
export type ToldRun = RunDocument & { unfinished?: Unfinished };

/** "40 ms", "1.2 s", "3 min 20 s", "12 days". */
export function duration(ms: number): string {
  const whole = Math.round(ms);
  if (whole < 1_000) return `${whole} ms`;
  const seconds = Math.round(whole / 1_000);
  if (whole < 59_950) return `${(whole / 1_000).toFixed(1)} s`;
  if (seconds < 3_600) return withRest(`${Math.floor(seconds / 60)} min`, seconds % 60, 's');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return withRest(`${Math.floor(minutes / 60)} h`, minutes % 60, 'min');
  const days = Math.floor(minutes / 1_440);
  return days === 1 ? '1 day' : `${days} days`;
}

function withRest(whole: string, rest: number, unit: string): string {
  return rest === 0 ? whole : `${whole} ${rest} ${unit}`;
}

/** The one sentence at the end of a run. */
export function sentenceOf(document: ToldRun): string {
  if (document.unfinished) return unfinishedSentence(document, document.unfinished);
  const restored = isRestore(document) ? restoreSentence(document) : null;
  if (restored !== null) return restored;
  const { outcome, to, active, target, duration_ms, downtime_ms, longest_wait_ms, failure } = document;
  const took = `in ${duration(duration_ms)}`;
  const down = closedWords(downtime_ms);
  // The ledger of an earlier version has no such key.
  const waited = typeof longest_wait_ms === 'number' ? `; nobody waited longer than ${duration(longest_wait_ms)}` : '';
  switch (outcome) {
    case 'deployed':
      return `${deployedWords(document)}, proven healthy ${took}${down}${waited}${warningsIn(document)}${passedOver(document)}`;
    case 'unchanged':
      return `${unchangedWords(document)}${passedOver(document)}`;
    case 'refused':
      return `${untouched(document)}: ${failure?.message ?? 'the checks above speak against a deploy'}`;
    case 'rolled_back':
      return `${to} ${failure?.reason === 'interrupted' ? 'was given up' : 'failed'}: ${failure?.message}; ${target} is back on ${active}, verified healthy, ${took}${down}${waited}`;
    case 'interrupted':
      return `${target} was not touched: ${failure?.message ?? 'interrupted'}`;
    case 'failed':
      return `${target} IS NOT VERIFIED HEALTHY: ${failure?.message}${leftStopped(document)}`;
    default:
      return outcome satisfies never;
  }
}

/** A change that had been cut off may have been ended first, and was all that there was to do. */
function unchangedWords({ target, active, ended_first: ended }: RunDocument): string {
  const what = active === null ? `${target}:` : `${target} serves ${active} already:`;
  return ended === undefined ? `${what} nothing to do` : `${ended}; ${what} nothing more to do`;
}

/** A change that had been cut off may have been taken back, with a restart, before the run was refused. */
function untouched({ target, ended_first: ended }: RunDocument): string {
  return ended === undefined ? `${target} was not touched` : `${ended}; then nothing was deployed to ${target}`;
}

/** What no person asked for says why it was done. */
function deployedWords({ outcome, target, from, to, cause }: ToldRun): string {
  if (!cause) return `${target} serves ${to}`;
  const why = cause.by === 'monitor' ? `the monitor found ${cause.message}` : cause.message;
  const isLeft = leftFor({ outcome, cause, from, to }) !== null;
  return isLeft ? `${from} failed: ${why}; ${target} is back on ${to}` : `${why}; ${target} serves ${to} again`;
}

/** A newer build that is in quarantine, which whoever added it would take for deployed. */
function passedOver({ checks }: RunDocument): string {
  const found = checks.find(({ name, status }) => name === 'quarantine' && status === 'warn');
  return found ? `; ${found.observed}` : '';
}

/** Which steps could not do what they were for, although the run went on. */
function warningsIn({ steps }: RunDocument): string {
  return steps
    .flatMap(({ name, warning }) => (warning === undefined ? [] : `; WITHOUT ${name.toUpperCase()}`))
    .join('');
}

/** With nothing to go back to, a unit that was stopped is left so; behind a socket the way back stops it, whichever step failed. */
function leftStopped({ from, active, steps, strategy }: RunDocument): string {
  if (from !== null || active !== null) return '';
  const isOwnPort = strategy === 'restart';
  const stopping = isOwnPort ? ['stop'] : ['stand-in', 'swap'];
  const stopped = isOwnPort ? ['reverted', 'done'] : ['reverted', 'failed'];
  if (!steps.some(({ name, status }) => stopping.includes(name) && stopped.includes(status))) return '';
  return isOwnPort ? '; the unit was stopped' : '; the unit was stopped, and its socket with it';
}

/** Where a run that failed goes back to. */
export function wayBackWords({ from, to, isOneWay }: Extract<RunEvent, { type: 'going_back' }>): string {
  if (to !== null) return `going back to ${to}`;
  if (!isOneWay) return 'going back to nothing: there was no build before';
  const before = from === null ? 'no build served' : `${from} was not healthy`;
  return `there is no way back: ${before} when this began, so what was done stays`;
}

function closedWords(downtimeMs: number | null): string {
  if (downtimeMs === null) return '';
  return downtimeMs === 0 ? '; the port was never closed' : `; the port was closed for ${duration(downtimeMs)}`;
}

/** A restore that was cut off is told of by what settled it. */
function isRestore({ kind, steps }: RunDocument): boolean {
  return kind === 'restore' || (kind === 'settle' && steps.some(({ name }) => name === 'keep' || name === 'restore'));
}

/** A restore that was carried out; null: it is told of like any other run. */
function restoreSentence(document: RunDocument): string | null {
  const { outcome, target, unit, to, active, duration_ms, downtime_ms } = document;
  const down = closedWords(downtime_ms);
  if (outcome === 'deployed' && active === null) {
    const left = isLeftDown(document) ? 'does not run' : 'runs again, and no build of it was ever proven';
    return `the database of ${target} is restored in ${duration(duration_ms)}; ${unit} ${left}`;
  }
  if (outcome === 'deployed')
    return `the database of ${target} is restored, and ${to} is proven healthy with it in ${duration(duration_ms)}${down}`;
  if (outcome === 'rolled_back')
    return `${restoreFailure(document)}; ${target} serves ${active} again, verified healthy${down}`;
  return null;
}

/** A restore starts nothing that did not run before. */
function isLeftDown({ outcome, active, steps }: RunDocument): boolean {
  return outcome === 'deployed' && active === null && !steps.some(({ name }) => name === 'start');
}

/** The data is either as the backup was or as it was before; the service may be unwell with either. */
function restoreFailure({ steps, failure }: RunDocument): string {
  const isPut = steps.some(({ name, status }) => name === 'restore' && status === 'done');
  const isCutOff = failure?.reason === 'interrupted' && failure.step === 'restore';
  if (isCutOff && !isPut) return `the database is as the backup was or as it was before: ${failure.message}`;
  return `${isPut ? 'the database is restored, but' : 'the database is as it was:'} ${failure?.message}`;
}

/** The same where no checks stand above it: a refusal names those that failed. */
export function sentenceAlone(document: ToldRun): string {
  const failed = document.checks.filter(({ status }) => status === 'fail');
  if (document.outcome !== 'refused' || document.failure || failed.length === 0) return sentenceOf(document);
  const reasons = failed.map(({ name, observed, expected }) => `${name}: ${observed} (expected: ${expected})`);
  return `${untouched(document)}: ${reasons.join('; ')}`;
}

function unfinishedSentence({ target, run, steps, failure }: RunDocument, { state, pid }: Unfinished): string {
  if (state === 'at_work') return `run ${run} is at work on ${target} (pid ${pid})`;
  if (steps.length === 0) return `${target} was not touched: ${failure?.message ?? 'interrupted'}`;
  if (state === 'not_recorded')
    return `how run ${run} of ${target} ended was not written down: cutover status ${target}`;
  const done = steps.findLast(({ status }) => status === 'done')?.name;
  const isGoingBack = steps.some(({ status }) => status === 'reverted' || status === 'revert_failed');
  const where = isGoingBack ? 'on its way back' : done ? `after ${done}` : `in ${steps.at(-1)?.name}`;
  return `${target} was cut off ${where}; cutover settle ${target}`;
}

/** What to type after a run that did not go well. What made it fail would do so again: that is mended first. */
export function nextCommands(document: RunDocument, manager: ManagerKind): string[] {
  const { mend } = document.failure ?? {};
  return [...new Set([...(mend === undefined ? [] : [mend]), ...commandsAfter(document, manager)])];
}

function commandsAfter(document: RunDocument, manager: ManagerKind): string[] {
  if (leftFor(document) !== null) return commandsAfter({ ...document, outcome: 'rolled_back' }, manager);
  const { kind, outcome, target, unit, run, failure, from, to, active } = document;
  if (outcome === 'rolled_back') return [`cutover report ${target} ${run}`, `cutover logs ${target} ${run}`];
  if (isRestore(document) && isLeftDown(document)) return [systemctl(manager, `start ${unit}`)];
  if (outcome !== 'failed') return [];
  const look = [systemctl(manager, `status ${unit}`), journalctl(manager, unit)];
  // Going back to another build frees no port: first whoever has it has to go.
  if (failure?.reason === 'port_taken')
    return ['sudo ss -ltnp', systemctl(manager, `restart ${unit}`), `cutover status ${target}`];
  // Another build changes nothing of the data.
  if (failure?.unrestored) return [`cutover restore ${target} ${basename(failure.unrestored)}`, ...look];
  if (isRestore(document)) return look;
  // There is no other build, and it is picked again only by its name.
  if (from === null && active === null) return [...look, `cutover deploy ${target} ${to}`];
  // When the build before does not come up either, the fault may lie in the unit: once that is mended, the same build may
  // be good. It is in quarantine, and has to be named.
  const repair = kind === 'deploy' || kind === 'settle' ? [`cutover deploy ${target} ${to} --fix-forward`] : [];
  return [...look, `cutover rollback ${target}`, ...repair];
}
