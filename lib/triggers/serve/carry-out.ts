import { CutoverError, ExitCode, isCutoverError, messageOf } from '../../base/errors.ts';
import { redactSentences } from '../../base/redactor.ts';
import { deploy } from '../../deployer/deploy.ts';
import type { Place } from '../../deployer/place.ts';
import type { PushedCommit } from '../../deployer/source.ts';
import type { RunDocument } from '../../run/document.ts';
import type { RunEvent } from '../../run/events.ts';
import { interruption } from '../../run/engine.ts';
import { readRun } from '../../run/history.ts';
import { endCutOff } from '../cut-off.ts';
import {
  clearUntold,
  isUntold,
  markUntold,
  pruneRecords,
  readRecord,
  type RequestRecord,
  writeRecord,
} from './record.ts';

/** Somebody who deploys by hand is waited for. */
const waitMs = 30 * 60_000;

/** A request, with what the hooks are to make a build of, as far as that is known. */
export interface AskedFor {
  id: string;
  pushed?: PushedCommit | undefined;
}

/** What a request came to. */
export interface CarriedOut {
  document: RunDocument;
  /** whoever ended the run told of it, or was about to: nobody is to be told twice */
  isTold: boolean;
}

/**
 * Carries a request out, once: one that has ended is only told of, and of one whose process was killed it is found out what
 * became of its run. Where that had changed nothing yet, it is begun again: what was accepted has to be done. For the same
 * reason one that is stopped (SIGTERM) before it changed anything stays open; SIGINT is how a person gives it up. One that
 * cannot be written down is not begun: nobody would know of it afterwards.
 * @returns null: it was carried out before
 * @throws `locked`, `permission`, `disk` and all that a deploy throws, once it is written down; `failed`: its run has ended, and
 * nobody knows how
 */
export async function carryOutRequest(place: Place, asked: AskedFor): Promise<CarriedOut | null> {
  const { paths } = place;
  const before = await readRecord(paths, asked.id);
  if (before?.ended_at) return null;
  const record = before ?? newRecord(asked.id);
  await writeRecord(paths, record);
  const notes = noteTaker(place, record);
  try {
    const ended = (before && (await foundOut(place, before))) ?? (await carriedOut(place, asked, notes.begin()));
    await noteDocument(ended, { notes, place, id: asked.id });
    return ended;
  } catch (error) {
    const isLeftOpen = isInterruption(error) && isStopped(place);
    const noting = isLeftOpen
      ? notes.leaveOpen()
      : notes.end(failureOf(error, place)).then(() => clearUntold(paths, asked.id));
    // What went wrong first is what has to be told.
    await noting.catch(() => {});
    throw error;
  } finally {
    await pruneRecords(paths, asked.id).catch(() => {});
  }
}

/** What it came to is told, whether or not it can be written down as well: who finds the record open knows it by the missing mark. */
async function noteDocument(
  { document }: CarriedOut,
  { notes, place, id }: { notes: ReturnType<typeof noteTaker>; place: Place; id: string },
): Promise<void> {
  const isLeftOpen = document.outcome === 'interrupted' && isStopped(place);
  const { exit_code, run } = document;
  const noting = isLeftOpen ? notes.leaveOpen() : notes.end({ document, exit_code, run });
  await noting.catch((error: unknown) => {
    place.emit({ type: 'note', message: `what the request came to is not written down: ${messageOf(error)}` });
  });
  if (!isLeftOpen) await clearUntold(place.paths, id).catch(() => {});
}

async function carriedOut(place: Place, { id, pushed }: AskedFor, emit: Place['emit']): Promise<CarriedOut> {
  await markUntold(place.paths, id);
  const document = await deploy({ ...place, emit }, { pushed, isForced: false, isFixForward: false, waitMs });
  return { document, isTold: false };
}

function newRecord(id: string): RequestRecord {
  const nothing = { run: null, stage: null, ended_at: null, exit_code: null, document: null, error: null };
  return { id, started_at: new Date().toISOString(), ...nothing };
}

function failureOf(error: unknown, { redact }: Place): Pick<RequestRecord, 'error' | 'exit_code'> {
  const message = redact(messageOf(error));
  if (!isCutoverError(error)) return { error: { code: 'defect', message, mend: null }, exit_code: ExitCode.failed };
  const { code, mend = null, exitCode } = error;
  return { error: { code, message, mend }, exit_code: exitCode };
}

function isInterruption(error: unknown): boolean {
  return isCutoverError(error, 'interrupted');
}

/** Whether systemd stops it, as at a shutdown. */
function isStopped({ signal }: Place): boolean {
  return signal.aborted && messageOf(signal.reason) === interruption('SIGTERM').message;
}

/**
 * The process that began it is gone: its run is ended, if it was cut off, and its ledger says how it went.
 * @returns null: it had no ledger, or was interrupted, so nothing was changed
 * @throws `failed` where it was told of, and the ledger does not say it either
 */
async function foundOut(place: Place, { id, run }: RequestRecord): Promise<CarriedOut | null> {
  const settled = await endCutOff(place, { waitMs, own: run });
  if (run === null) return null;
  const found = await readRun(place.paths, run);
  if (found === null) {
    // The mark is made before a run has its name: whoever took it away has ended the run, with no room for a word of it.
    if (await isUntold(place.paths, id)) return null;
    throw unknownEnd(place, run);
  }
  const isSettledHere = settled?.run === run;
  const document = found.document ?? (isSettledHere ? settled : null);
  if (document === null && found.steps.size > 0) throw unknownEnd(place, found.inputs.run);
  if (document === null || document.outcome === 'interrupted') return null;
  const isTold = !isSettledHere && (isEndedByOthers(document) || !(await isUntold(place.paths, id)));
  return { document, isTold };
}

/**
 * Whoever ended it, as the settle unit, has told of it. A run that its own process ended and did not live to tell of is known by
 * the checks that it asked: who takes back what was cut off asks none.
 */
function isEndedByOthers({ outcome, checks }: RunDocument): boolean {
  return outcome !== 'refused' && checks.length === 0;
}

/** To deploy again what may have been gone back from, or may serve, is for people to say. */
function unknownEnd({ target }: Place, run: string): CutoverError {
  const what = `run ${run} has ended, and its outcome could not be written down`;
  return new CutoverError('failed', what, { mend: `cutover status ${target.name}` });
}

/** Writes down the run's name as soon as it has one: should this process be killed, that is what leads to its outcome. */
function noteTaker(place: Place, record: RequestRecord) {
  let writing: Promise<void> = Promise.resolve();
  const write = (changes: Partial<RequestRecord>): Promise<void> => {
    Object.assign(record, changes);
    writing = writing.catch(() => {}).then(() => writeRecord(place.paths, record));
    writing.catch(() => {});
    return writing;
  };
  const note = (event: RunEvent): void => {
    place.emit(event);
    if (record.run === null && event.type === 'run') void write({ run: event.run });
    // What follows is in the ledger. One that is resumed is another's, which is ended first.
    if (event.type === 'begin' && !event.isResumed) void write({ run: event.inputs.run, stage: null });
    else if (event.type === 'step' && event.state === 'begun' && isStage(event.name)) void write({ stage: event.name });
  };
  const end = (changes: Partial<RequestRecord>): Promise<void> => {
    const kept = redactSentences(changes, place.redact) as Partial<RequestRecord>;
    return write({ ...kept, stage: null, ended_at: new Date().toISOString() });
  };
  // The name stays: the run may yet come to something.
  const leaveOpen = (): Promise<void> => write({ stage: null });
  const begin = (): typeof note => {
    record.run = null;
    return note;
  };
  return { begin, end, leaveOpen };
}

function isStage(name: string): boolean {
  return name === 'fetch' || name === 'test' || name === 'build';
}
