import { readFileSync } from 'node:fs';
import { readNowIfThere, removeIfThere, stageDurably, type StagedFile } from '../base/files.ts';
import { isProcess } from '../base/process.ts';
import { describeProcess, parseStat } from '../systemd/processes.ts';
import type { StatePaths } from './state.ts';

/** A process, told from any later one of the same pid. */
export interface ProcessName {
  pid: number;
  start_ticks: number;
  boot_id: string;
}

/** The same as earlier versions may have written it: by its pid alone. */
export type NamedProcess = Pick<ProcessName, 'pid'> & Partial<ProcessName>;

/** The mark that a run may have changed something. It is no lock: it says who and what, for whoever comes after. */
export interface InFlight extends ProcessName {
  run: string;
  since: string;
}

/** What this process is known by. */
export function ownName(): ProcessName {
  const { startTicks } = parseStat(readFileSync('/proc/self/stat', 'utf8'));
  return { pid: process.pid, start_ticks: startTicks, boot_id: readBootId() };
}

/** Writes the mark, which counts once it is committed. @throws `disk`, `permission` */
export async function stageInFlight(paths: StatePaths, run: string): Promise<StagedFile> {
  const mark: InFlight = { run, ...ownName(), since: new Date().toISOString() };
  return stageDurably(paths.inFlight, `${JSON.stringify(mark)}\n`);
}

/** The mark of a run that has not ended, or null. A mark that cannot be read names the run "unknown". */
export async function readInFlight(paths: StatePaths): Promise<InFlight | null> {
  const text = readNowIfThere(paths.inFlight);
  if (text === null) return null;
  try {
    return JSON.parse(text) as InFlight;
  } catch {
    return { run: 'unknown', pid: 0, start_ticks: 0, boot_id: '', since: '' };
  }
}

/** Takes the mark away: the run has ended. */
export async function clearInFlight(paths: StatePaths): Promise<void> {
  await removeIfThere(paths.inFlight);
}

/** Whether the machine was booted since the mark was set. */
export async function isFromBefore({ boot_id }: ProcessName): Promise<boolean> {
  return boot_id !== readBootId();
}

/** Whether the process, as the one that set a mark, still lives. */
export async function isAlive(name: ProcessName): Promise<boolean> {
  const { pid, start_ticks } = name;
  if (pid === 0 || (await isFromBefore(name))) return false;
  const facts = await describeProcess(pid);
  return facts?.startTicks === start_ticks && !facts.isZombie;
}

/** The same where the process may be known by its pid alone: then any of that number is taken for it. */
export async function isLiving({ pid, start_ticks, boot_id }: NamedProcess): Promise<boolean> {
  if (start_ticks === undefined || boot_id === undefined) return isProcess(pid);
  return isAlive({ pid, start_ticks, boot_id });
}

function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
