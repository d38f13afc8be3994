import { readFileSync } from 'node:fs';
import { readNowIfThere, removeIfThere, stageDurably, type StagedFile } from '../base/files.ts';
import { describeProcess, parseStat } from '../systemd/processes.ts';
import type { StatePaths } from './state.ts';

/** The mark that a run may have changed something. It is no lock: it says who and what, for whoever comes after. */
export interface InFlight {
  run: string;
  pid: number;
  /** with the boot's id it tells the process from a later one of the same pid */
  start_ticks: number;
  boot_id: string;
  since: string;
}

/** Writes the mark, which counts once it is committed. @throws `disk`, `permission` */
export async function stageInFlight(paths: StatePaths, run: string): Promise<StagedFile> {
  const { startTicks } = parseStat(readFileSync('/proc/self/stat', 'utf8'));
  const since = new Date().toISOString();
  const mark: InFlight = { run, pid: process.pid, start_ticks: startTicks, boot_id: readBootId(), since };
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
export async function isFromBefore({ boot_id }: InFlight): Promise<boolean> {
  return boot_id !== readBootId();
}

/** Whether the process that set the mark still lives. */
export async function isAlive(mark: InFlight): Promise<boolean> {
  const { pid, start_ticks } = mark;
  if (pid === 0 || (await isFromBefore(mark))) return false;
  const facts = await describeProcess(pid);
  return facts?.startTicks === start_ticks && !facts.isZombie;
}

function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
