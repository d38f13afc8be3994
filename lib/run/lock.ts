import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CutoverError, errnoOf, fileError, messageOf } from '../base/errors.ts';
import { makePrivateDirectory, privateFile, readError } from '../base/files.ts';
import { lockDescriptor } from '../base/flock.ts';
import { onOneLine } from '../base/lines.ts';
import { giveToOwnerOf } from '../base/owner.ts';
import { readRegularFile } from '../base/regular-file.ts';
import { sleep } from '../base/wait.ts';
import type { ManagerKind } from '../config/model.ts';
import { isLiving, type NamedProcess, ownName } from './in-flight.ts';
import type { StatePaths } from './state.ts';

/** What a run works on, by whatever name a configuration calls it. */
export interface Ground {
  manager: ManagerKind;
  unit: string;
  /** without links */
  builds: string;
}

/** Who holds a target, as the lock file tells it. It only tells: what counts is the kernel's lock. */
export interface Holder extends NamedProcess {
  doing: string;
  since: string;
  user: string;
  /** locks of earlier versions do not tell, nor of what process but by its pid */
  ground?: Ground | undefined;
}

/** A link is not followed, and a pipe not waited for. */
const unsurprised = constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Far beyond what a holder tells. */
const mostBytes = 64 * 1024;

export interface Lock {
  release(): Promise<void>;
}

/** Who wants the target, and how long that may take. */
export interface LockRequest {
  /** what others are told that it is held for */
  doing: string;
  /** none: it is not known yet; what is still being found out is waited for once the lock is taken */
  ground?: Ground | Promise<Ground>;
  /** 0: do not wait */
  waitMs: number;
  signal: AbortSignal;
  /** told once who holds the lock, before the wait */
  onWaiting: (holder: string) => void;
  /** for what goes on without a lock where the disk has no room for one, or is read-only: told why */
  onLockless?: ((why: string) => void) | undefined;
}

const whenHeld = { mend: 'cutover status, or repeat with --wait' };

/**
 * Takes the target's lock (flock(2)). The lock belongs to the open file, which this process keeps:
 * the kernel frees it at any death, so no lock is ever stale. The file itself is never removed.
 * @throws `locked`, naming the holder; `permission`, `disk`
 */
export async function takeLock(
  paths: StatePaths,
  { doing, ground, waitMs, signal, onWaiting, onLockless }: LockRequest,
): Promise<Lock> {
  const file = await openFor(paths).catch((error: unknown) => {
    if (onLockless === undefined || !isForWantOfDisk(error)) throw error;
    onLockless(messageOf(error));
    return null;
  });
  if (file === null) return { release: () => Promise.resolve() };
  try {
    let isTaken = await lockDescriptor(file, { waitMs: 0, signal });
    if (!isTaken && waitMs > 0) {
      onWaiting(await describeHolder(paths, signal));
      isTaken = await lockDescriptor(file, { waitMs, signal });
    }
    if (!isTaken) throw new CutoverError('locked', await describeHolder(paths, signal), whenHeld);
    tellHolder(file, { doing, ground: await ground });
    return releaseOf(file);
  } catch (error) {
    closeSync(file);
    throw fileError(error, 'cannot write', paths.lock);
  }
}

/** Its number may be another file's by the second time. */
function releaseOf(file: number): Lock {
  let isOpen = true;
  return {
    async release() {
      if (isOpen) closeSync(file);
      isOpen = false;
    },
  };
}

async function openFor(paths: StatePaths): Promise<number> {
  await makePrivateDirectory(paths.directory);
  return openLock(paths.lock);
}

function isForWantOfDisk(error: unknown): boolean {
  const errno = error instanceof CutoverError ? errnoOf(error.cause) : undefined;
  return errno === 'EROFS' || errno === 'ENOSPC' || errno === 'EDQUOT';
}

function openLock(path: string): number {
  try {
    return openOrRead(path);
  } catch (error) {
    // Whose directory it is may have put a link there that leads root elsewhere.
    if (errnoOf(error) !== 'ELOOP') throw readError(error, 'cannot open', path);
    throw new CutoverError('permission', `cannot open ${path}: it is a link`, { mend: `ls -l ${path}; rm ${path}` });
  }
}

/** The kernel's lock needs no more than an open file: on a file system that became read-only, reading will do. */
function openOrRead(path: string): number {
  try {
    return openOrMake(path);
  } catch (error) {
    const isReadOnly = errnoOf(error) === 'EROFS';
    const file = isReadOnly ? openUnless('ENOENT', path, constants.O_RDONLY | unsurprised) : null;
    if (file === null) throw error;
    return file;
  }
}

/** Root gives away only what it made: another name of some file may lie in another user's directory. */
function openOrMake(path: string): number {
  const flags = constants.O_RDWR | unsurprised;
  if (process.geteuid?.() !== 0) return openSync(path, flags | constants.O_CREAT, privateFile);
  const there = openUnless('ENOENT', path, flags);
  if (there !== null) return there;
  const made = openUnless('EEXIST', path, flags | constants.O_CREAT | constants.O_EXCL);
  if (made === null) return openSync(path, flags);
  giveToOwnerOf(dirname(path), made);
  return made;
}

function openUnless(errno: string, path: string, flags: number): number | null {
  try {
    return openSync(path, flags, privateFile);
  } catch (error) {
    if (errnoOf(error) === errno) return null;
    throw error;
  }
}

function tellHolder(fd: number, { doing, ground }: Pick<Holder, 'doing' | 'ground'>): void {
  const user = process.env.USER ?? String(process.getuid?.() ?? '');
  const holder: Holder = { ...ownName(), doing, since: new Date().toISOString(), user, ground };
  const text = Buffer.from(`${JSON.stringify(holder)}\n`);
  try {
    // In this order the file is never empty to whoever is refused meanwhile.
    writeSync(fd, text, 0, text.length, 0);
    ftruncateSync(fd, text.length);
  } catch {
    // A full or a read-only disk must not keep a run from being settled.
  }
}

/** The lock is taken some milliseconds before its holder says so, more on a busy machine: until then the text is the last holder's. */
async function describeHolder(paths: StatePaths, signal: AbortSignal): Promise<string> {
  for (let look = 0; look < 150; look += 1) {
    const holder = await readHolder(paths);
    if (holder && (await isLiving(holder))) return `another run holds the target: ${holderText(holder)}`;
    await sleep(20, signal);
  }
  return 'another run holds the target';
}

/** What a holder is at, in words. Another user may have written what the lock file says. */
export function holderText({ pid, doing, since, user }: Holder): string {
  return onOneLine(`${doing} (pid ${pid}, user ${user}, since ${since})`);
}

/** Whether somebody has the target, as far as its lock file tells: enough to tell others by, and never to act on. */
export async function isHeld(paths: StatePaths): Promise<boolean> {
  const holder = await readHolder(paths);
  return holder !== null && isLiving(holder);
}

/** Who took the target last, whether or not they have it still; null: the lock file does not tell. */
export async function readHolder(paths: StatePaths): Promise<Holder | null> {
  return holderIn(await readRegularFile(paths.lock, { isLinkFollowed: false, mostBytes }).catch(() => ''));
}

/** The holder that a lock file's text tells of; null: it tells of none. */
export function holderIn(text: string): Holder | null {
  try {
    // A shorter text over a longer one leaves the rest of that behind it for a moment.
    return JSON.parse(text.split('\n')[0] ?? '') as Holder;
  } catch {
    return null;
  }
}
