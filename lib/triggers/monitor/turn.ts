import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../../base/files.ts';
import { lockDescriptor } from '../../base/flock.ts';
import { readRegularFile } from '../../base/regular-file.ts';
import type { TargetConfig } from '../../config/model.ts';
import { attemptMs } from '../../deployer/recover/patience.ts';
import { isLiving, type NamedProcess, ownName } from '../../run/in-flight.ts';
import type { StatePaths } from '../../run/state.ts';

/** The turn of one pass. */
export interface Turn {
  /** why it is another one's turn; null: it is ours */
  busy: string | null;
  /** a pass that should have ended long ago and has not, in words; it is not waited for */
  hung: string | null;
  release: () => Promise<void>;
}

/** Who has the turn, as the file tells it; what counts is the kernel's lock. */
interface Holder extends NamedProcess {
  since: string;
}

/** Each look has a deadline of its own, of two minutes at most, and there are two; the rest is for people who are told. */
const looksMs = 8 * 60_000;

/** How long a pass may take in all, what it does about a service included. @returns milliseconds */
export function passMs(target: TargetConfig): number {
  return looksMs + attemptMs(target, { isLast: true });
}

/**
 * Takes the turn: of two passes at once, as of the timer and by hand, one looks and tells, so that nobody is told twice. One that
 * hangs keeps the others out no longer than a pass may take. Where no lock can be had, the pass is made all the same.
 * @throws the signal's reason
 */
export async function takeTurn(
  { directory }: Pick<StatePaths, 'directory'>,
  { longestMs, signal }: { longestMs: number; signal: AbortSignal },
): Promise<Turn> {
  const file = await openTurn(directory);
  if (file === null) return { busy: null, hung: null, release: () => Promise.resolve() };
  const release = (): Promise<void> => file.close();
  const isOurs = await lockDescriptor(file.fd, { waitMs: 0, signal }).catch(() => {
    signal.throwIfAborted();
    return true;
  });
  if (isOurs) {
    await tellHolder(file).catch(() => {});
    return { busy: null, hung: null, release };
  }
  const holder = await readHolder(directory);
  const who = holder === null ? 'another pass' : `another pass (pid ${holder.pid}, since ${holder.since})`;
  const ageMs = holder === null ? 0 : Date.now() - Date.parse(holder.since);
  if (ageMs > longestMs) return { busy: null, hung: `${who} hangs, and is not waited for`, release };
  return { busy: `${who} is at work`, hung: null, release };
}

async function openTurn(directory: string): Promise<FileHandle | null> {
  try {
    await makePrivateDirectory(directory);
    return await open(turnPath(directory), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch {
    return null;
  }
}

async function tellHolder(file: FileHandle): Promise<void> {
  const holder: Holder = { ...ownName(), since: new Date().toISOString() };
  const text = Buffer.from(`${JSON.stringify(holder)}\n`);
  // In this order the file is never empty to whoever looks meanwhile.
  await file.write(text, 0, text.length, 0);
  await file.truncate(text.length);
}

/** Null too where the one that has the turn has not said so yet: until then the text is that of the pass before. */
async function readHolder(directory: string): Promise<Holder | null> {
  const text = await readRegularFile(turnPath(directory)).catch(() => '');
  try {
    const holder = JSON.parse(text.split('\n')[0] ?? '') as Holder | null;
    const isKnown = holder !== null && !Number.isNaN(Date.parse(holder.since)) && (await isLiving(holder));
    return isKnown ? holder : null;
  } catch {
    return null;
  }
}

function turnPath(directory: string): string {
  return join(directory, 'monitor.lock');
}
