import { join } from 'node:path';
import { makePrivateDirectory, readIfThere, writeDurably } from '../../base/files.ts';
import type { StatePaths } from '../../run/state.ts';
import { isRoundAgain } from './rhythm.ts';
import { readSpare, removeSpare } from './spare.ts';
import type { Starts } from './starts.ts';

/** Something that passes in a row have found. */
export interface Problem {
  since: string;
  /** those that count: of passes closer together than the configuration has them, one does */
  passes: number;
  /** when the last one counted; earlier versions wrote none */
  counted?: string;
  /** how often something was done about it */
  acted: number;
  /** the pass that began the last restart, none: not yet; earlier versions wrote none */
  restarted?: number;
}

/** An alert that holds. */
export interface OpenAlert {
  severity: 'warning' | 'critical';
  since: string;
  message: string;
  /** nobody could be told of it yet */
  untold?: boolean;
}

/** What a pass of the monitor leaves for the next one. */
export interface MonitorState extends Starts {
  version: 1;
  /** when the pass was */
  at: string;
  /** the newest run by then that somebody asked for and that proved a build; null: none is known; earlier versions wrote none */
  proven?: string | null;
  problems: Record<string, Problem>;
  alerts: Record<string, OpenAlert>;
  /** the run that was cut off and that a pass ended last; none: not yet */
  settled?: string;
}

/** What the pass before left; null: there was none, or nothing that can be read or understood. Writing then says what is wrong. */
export async function readState(paths: StatePaths): Promise<MonitorState | null> {
  const spare = await readSpare(paths).catch(() => null);
  return stateIn(spare) ?? stateIn(await readIfThere(statePath(paths)).catch(() => null));
}

/** @throws `disk`, `permission` */
export async function writeState(paths: StatePaths, state: MonitorState): Promise<void> {
  await makePrivateDirectory(paths.directory);
  await writeDurably(statePath(paths), textOf(state));
  await removeSpare(paths).catch(() => {});
}

/** As it is kept. */
export function textOf(state: MonitorState): string {
  return `${JSON.stringify(state)}\n`;
}

/** Whether a pass can speak of the problem, or the alert, of that key. */
export type IsSeen = (key: string) => boolean;

/** Those of some keys. */
export function rowsOf<Row>(rows: Readonly<Record<string, Row>>, isSeen: IsSeen): Record<string, Row> {
  return Object.fromEntries(Object.entries(rows).filter(([key]) => isSeen(key)));
}

/** The problems that are there now, with how long each is. A pass by hand beside those of the timer adds nothing; a clock that went back makes none older than now. */
export function problemsNow(
  before: MonitorState['problems'],
  keys: readonly string[],
  { nowMs, everyMs }: { nowMs: number; everyMs: number },
): MonitorState['problems'] {
  const now = new Date(nowMs).toISOString();
  const entries = keys.map((key): [string, Problem] => {
    const known = Object.hasOwn(before, key) ? before[key] : undefined;
    if (!known) return [key, { since: now, passes: 1, counted: now, acted: 0 }];
    const since = Date.parse(known.since) > nowMs ? now : known.since;
    if (known.counted !== undefined && !isRoundAgain(known.counted, everyMs, nowMs)) return [key, { ...known, since }];
    return [key, { ...known, since, passes: known.passes + 1, counted: now }];
  });
  return Object.fromEntries(entries);
}

function stateIn(text: string | null): MonitorState | null {
  try {
    const value = JSON.parse(text ?? 'null') as MonitorState | null;
    return isState(value) ? value : null;
  } catch {
    return null;
  }
}

function isState(value: MonitorState | null): value is MonitorState {
  if (value?.version !== 1 || typeof value.restarts !== 'number' || !isTime(value.at)) return false;
  const areProblems = areAll(value.problems, ({ since, passes, acted }) => {
    return isTime(since) && typeof passes === 'number' && typeof acted === 'number';
  });
  return areProblems && areAll(value.alerts, ({ since, message }) => isTime(since) && typeof message === 'string');
}

function areAll(rows: unknown, isRight: (row: Record<string, unknown>) => boolean): boolean {
  if (typeof rows !== 'object' || rows === null || Array.isArray(rows)) return false;
  return Object.values(rows).every((row) => typeof row === 'object' && row !== null && isRight(row));
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function statePath({ directory }: StatePaths): string {
  return join(directory, 'monitor.json');
}
