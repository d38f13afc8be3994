import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fileError } from '../base/errors.ts';
import { type Redact, redactSentences } from '../base/redactor.ts';
import type { ManagerKind } from '../config/model.ts';
import type { Listener, RunEvent } from '../run/events.ts';
import type { Colours } from './colour.ts';
import { terminalListener } from './terminal.ts';

/** Whose log it is. */
export interface LogOf {
  directory: string;
  unit: string;
  run: string;
  /** it lies where nobody but its owner reads anything; none: who is of its group may read it */
  isPrivate?: boolean;
}

/** Gone, another user's, a link, a directory, a socket. */
const unfit = ['ENOENT', 'EACCES', 'ELOOP', 'EISDIR', 'ENXIO'];

/**
 * What a run's log is called (S10): after the unit and the time in the run's id. A second run of the same second has
 * `-2` before the ending, and so on: `findLog` knows which is whose.
 */
export function logPath({ directory, unit, run }: LogOf, number = 1): string {
  return join(directory, `deployment-${unit}-${run.slice(0, 15)}${number === 1 ? '' : `-${number}`}.log`);
}

/** The time in the name of a log of this unit, as it stands in the id of its run; null for any other name. */
export function timeInLogName(name: string, unit: string): string | null {
  const start = `deployment-${unit}-`;
  if (!name.startsWith(start)) return null;
  return /^(\d{8}-\d{6})(?:-\d+)?\.log$/.exec(name.slice(start.length))?.[1] ?? null;
}

/** The log of a run: the one whose first line names it. Null: there is none. @throws `permission` */
export function findLog(log: LogOf): string | null {
  try {
    const own = openOwn(log, constants.O_RDONLY);
    if (own !== null) closeSync(own.file);
    return own?.path ?? null;
  } catch (error) {
    throw fileError(error, 'cannot read', log.directory);
  }
}

function openOwn({ directory, unit, run }: LogOf, flags: number): { path: string; file: number } | null {
  for (const name of namesIn(directory).filter((one) => timeInLogName(one, unit) === run.slice(0, 15))) {
    const path = join(directory, name);
    const file = openIfOf(run, path, flags);
    if (file !== null) return { path, file };
  }
  return null;
}

/**
 * Keeps everything that happens in a file, each line with its time; the first names the run. Written at once and not
 * waited for: the log of a run that is killed ends where the run ended. What comes before the run has its name is held
 * back until then; what comes after the outcome, as a note that somebody could not be told, is added. A run that is
 * ended before another one begins has its own log.
 * @returns a listener that throws when the directory cannot be written; the run goes on without it
 */
export function logFileListener({
  directory,
  unit,
  isPrivate = false,
  manager,
  plain,
  redact = (text) => text,
}: Pick<LogOf, 'directory' | 'unit' | 'isPrivate'> & {
  manager: ManagerKind;
  plain: Colours;
  redact?: Redact;
}): Listener {
  const log = logWriter({ directory, unit, isPrivate });
  const write = (text: string): void => log.write(timed(redact(text)));
  const tell = terminalListener({ write, colours: plain, isLive: false, level: 'verbose', manager });
  return (event: RunEvent) => {
    const run = runOf(event);
    if (run !== null) log.open(run);
    tell(event);
    if (event.type !== 'outcome' || run === null) return;
    log.write(`${JSON.stringify(redactSentences(event.document, redact))}\n`);
    log.close();
  };
}

interface LogWriter {
  open(run: string): void;
  write(text: string): void;
  close(): void;
}

/** Writes what it is given into the log of the run that was opened last; before the first one it keeps it. */
function logWriter(place: Omit<LogOf, 'run'>): LogWriter {
  let held = '';
  let log: { run: string; file: number } | undefined;
  let last: string | undefined;
  const close = (): void => {
    if (log) closeSync(log.file);
    log = undefined;
  };
  return {
    close,
    open(run) {
      if (run === log?.run) return;
      close();
      log = { run, file: openLog({ ...place, run }) };
      last = run;
      writeSync(log.file, held);
      held = '';
    },
    write(text) {
      if (log !== undefined) writeSync(log.file, text);
      else if (last === undefined) held += text;
      // What follows an outcome is told of seldom: the file is not kept open for it.
      else appendTo({ ...place, run: last }, text);
    },
  };
}

function appendTo(log: LogOf, line: string): void {
  const file = openLog(log);
  try {
    writeSync(file, line);
  } finally {
    closeSync(file);
  }
}

/** The run that an event names. */
function runOf(event: RunEvent): string | null {
  if (event.type === 'begin') return event.inputs.run;
  if (event.type === 'run') return event.run;
  return event.type === 'outcome' ? event.document.run : null;
}

function timed(text: string): string {
  return `${new Date().toISOString()} ${text}`;
}

/** Goes on with the run's log, or begins one under the first name that is free. */
function openLog(log: LogOf): number {
  try {
    return openFile(log);
  } catch (error) {
    throw fileError(error, 'no log is kept: cannot write', log.directory);
  }
}

function openFile(log: LogOf): number {
  const [directoryMode, fileMode] = log.isPrivate ? [0o700, 0o600] : [0o750, 0o640];
  mkdirSync(log.directory, { recursive: true, mode: directoryMode });
  const own = openOwn(log, constants.O_RDWR | constants.O_APPEND);
  if (own !== null) return own.file;
  for (let number = 1; ; number += 1) {
    try {
      const file = openSync(logPath(log, number), 'ax', fileMode);
      writeSync(file, timed(`run ${log.run}\n`));
      return file;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/**
 * The log, open, whose first line names the run; one that was removed meanwhile, or is another user's, names none. Whose directory
 * it is may have put something else there: nothing is followed or waited for, and no file written that has a second name elsewhere.
 */
function openIfOf(run: string, path: string, flags: number): number | null {
  const unsurprised = flags | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = unlessErrno(unfit, () => openSync(path, unsurprised));
  if (file === null) return null;
  const { nlink } = fstatSync(file);
  if (runIn(file) === run && (nlink === 1 || flags === constants.O_RDONLY)) return file;
  closeSync(file);
  return null;
}

function runIn(file: number): string | null {
  if (!fstatSync(file).isFile()) return null;
  const start = Buffer.alloc(100);
  const text = start.toString('utf8', 0, readSync(file, start, 0, start.length, 0));
  return /^\S+ run (\S+)\n/.exec(text)?.[1] ?? null;
}

function namesIn(directory: string): string[] {
  return unlessErrno(['ENOENT'], () => readdirSync(directory)) ?? [];
}

function unlessErrno<T>(expected: readonly string[], work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (expected.includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
