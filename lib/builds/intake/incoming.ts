import type { Stats } from 'node:fs';
import { type FileHandle, lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, fileError, isCutoverError } from '../../base/errors.ts';
import { openController } from '../../base/wait.ts';
import { incomingName } from '../layout.ts';
import { isSame, lockFolder } from './folder-lock.ts';
import { type BuildsOwner, ownerOf } from './owner.ts';
import { complaint } from './refusal.ts';

/** A folder of our own, in which a build comes together before it has a name. */
export interface IncomingFolder {
  path: string;
  owner: BuildsOwner;
  /** Removes what is still there, and lets go of the folder. */
  close(): Promise<void>;
}

/** A folder may be removed by another command between its making and its lock; three times in a row is no accident. */
const attempts = 10;
const commandMs = 60_000;
const groupMayWrite = 0o020;
const removalMs = 10 * 60_000;

/**
 * Makes a folder below `.incoming` that nobody else reads, and locks it: as long as this process lives nobody clears it away.
 * @throws `no_build` without a builds directory; `refused` where `.incoming` is no directory; `permission`, `disk`
 */
export async function openIncoming(builds: string, signal: AbortSignal): Promise<IncomingFolder> {
  const facts = await factsOfBuilds(builds);
  const owner = ownerOf(facts);
  const parent = join(builds, incomingName);
  await makeParent(parent, { facts, owner, signal });
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const path = join(parent, nameOfOwn());
    try {
      // A builds directory that hands its group down must not do so to what is unpacked: no special bit gets into a build.
      await makeAs(path, { mode: 'u=rwx,g=-s,o=', owner, signal });
      const lock = await lockFolder(path, signal);
      if (lock) return { path, owner, close: () => closeFolder(path, { lock, owner }) };
    } catch (error) {
      // Interrupted between its making and its lock: nobody else knows of it yet.
      await removeAs(path, { owner, signal: openController().signal }).catch(() => {});
      throw error;
    }
  }
  throw new CutoverError('failed', `${parent}: what is made there is removed at once`, { mend: `ls -la ${parent}` });
}

/**
 * Removes what commands that died have left below `.incoming`. What one is at work on is locked, and left alone; so is what another
 * user has left that only that user may remove.
 * @returns the names that were removed
 * @throws `permission`, `refused`; the signal's reason when aborted
 */
export async function clearIncoming(builds: string, signal: AbortSignal): Promise<string[]> {
  const parent = join(builds, incomingName);
  const names = await readdir(parent).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', parent);
  });
  if (names.length === 0) return [];
  await verifyDirectory(parent);
  const owner = ownerOf(await factsOfBuilds(builds));
  const gone: string[] = [];
  const problems: unknown[] = [];
  for (const name of names) {
    const isGone = await clearOne(join(parent, name), { owner, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      problems.push(error);
      return false;
    });
    if (isGone) gone.push(name);
  }
  if (problems.length > 0) throw problems[0];
  return gone;
}

/** Hardly anybody else's, and if it were: the lock decides. */
function nameOfOwn(): string {
  return `${process.pid}-${Math.floor(Math.random() * 0x1_0000_0000).toString(16)}`;
}

async function clearOne(
  path: string,
  { owner, signal }: { owner: BuildsOwner; signal: AbortSignal },
): Promise<boolean> {
  const facts = await lstat(path).catch(() => null);
  if (!facts) return false;
  try {
    return await removeUnlocked(path, facts, { owner, signal });
  } catch (error) {
    // Of several users who share the directory each clears away their own: nobody else gets into what is theirs.
    if (isCutoverError(error, 'permission') && facts.uid !== owner.uid) return false;
    throw error;
  }
}

/** @returns whether it is gone; false: a command is at work on it */
async function removeUnlocked(
  path: string,
  facts: Stats,
  { owner, signal }: { owner: BuildsOwner; signal: AbortSignal },
): Promise<boolean> {
  const lock = facts.isDirectory() ? await lockFolder(path, signal) : null;
  if (facts.isDirectory() && !lock) return false;
  try {
    await removeAs(path, { owner, signal });
    return true;
  } finally {
    await lock?.close();
  }
}

/** Several users may share a builds directory through its group; then they share this one too. */
async function makeParent(
  parent: string,
  { facts: { mode, gid }, owner, signal }: { facts: Stats; owner: BuildsOwner; signal: AbortSignal },
): Promise<void> {
  const isThere = await lstat(parent).then(
    () => true,
    () => false,
  );
  const isShared = (mode & groupMayWrite) !== 0;
  if (!isThere) await makeAs(parent, { mode: isShared ? '770' : '700', owner, signal });
  const made = await verifyDirectory(parent);
  // It has the maker's own group. Who may not give it to the others keeps it, and then they are told so.
  const command = ['chgrp', '--no-dereference', '--', `+${gid}`, parent] as const;
  if (isShared && made.gid !== gid) await owner.exec(command, { timeoutMs: commandMs, signal });
}

async function makeAs(
  path: string,
  { mode, owner, signal }: { mode: string; owner: BuildsOwner; signal: AbortSignal },
): Promise<void> {
  // With --parents another command may make it at the same time.
  const command = ['mkdir', '--parents', '--mode', mode, '--', path] as const;
  const { code, stderr } = await owner.exec(command, { timeoutMs: commandMs, signal, env: { LC_ALL: 'C' } });
  if (code !== 0) throw complaint(stderr, 'cannot create', path);
}

async function closeFolder(path: string, { lock, owner }: { lock: FileHandle; owner: BuildsOwner }): Promise<void> {
  try {
    // Not with the signal of the work: an interrupted one is cleared away too.
    if (await isSame(lock, path)) await removeAs(path, { owner, signal: openController().signal });
  } finally {
    await lock.close();
  }
}

/** By rm(1), which follows no link, and in the owner's name, which nothing can lead beyond what the owner may do. */
async function removeAs(path: string, { owner, signal }: { owner: BuildsOwner; signal: AbortSignal }): Promise<void> {
  const command = ['rm', '-rf', '--one-file-system', '--', path] as const;
  const { code, stderr } = await owner.exec(command, { timeoutMs: removalMs, signal, env: { LC_ALL: 'C' } });
  if (code !== 0) throw complaint(stderr, 'cannot remove', path);
}

async function factsOfBuilds(builds: string): Promise<Stats> {
  const facts = await stat(builds).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, 'cannot read', builds);
  });
  if (facts?.isDirectory()) return facts;
  throw new CutoverError(
    'no_build',
    `the builds directory ${builds} ${facts ? 'is not a directory' : 'does not exist'}`,
    {
      mend: facts ? `ls -ld ${builds}` : `mkdir -p ${builds}`,
    },
  );
}

async function verifyDirectory(parent: string): Promise<Stats> {
  const facts = await lstat(parent).catch((error: unknown) => {
    throw fileError(error, 'cannot read', parent);
  });
  if (facts.isDirectory()) return facts;
  throw new CutoverError('refused', `${parent} is not a directory`, {
    mend: `ls -ld ${parent}; mv ${parent} ${parent}.saved`,
  });
}
