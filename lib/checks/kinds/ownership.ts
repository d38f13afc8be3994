import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { accountOfUser, groupOf } from '../../base/accounts.ts';
import { errnoOf, messageOf } from '../../base/errors.ts';
import { letGoAfter, pinDirectory } from '../../base/pinned-directory.ts';
import { shellWord } from '../../base/shell-words.ts';
import type { Ownership } from '../../config/check-options.ts';
import { type Answer, fail, pass, warn } from '../check.ts';

/** The numbers that the configured names stand for; null: any. */
interface Wanted {
  uid: number | null;
  gid: number | null;
  mode: number | null;
}

/**
 * B1, B4: a file is there, and is whose it must be. With `mend` what is wrong is put right, and the answer says so.
 * @param mayMend nothing is changed without it: then the answer is that it would be
 */
export async function askOwnership(path: string, ownership: Ownership, mayMend: boolean): Promise<Answer> {
  const found = await stat(path).catch((error: unknown) => error);
  const expected = expectedOf(ownership);
  if (!isStats(found)) return fail(whyNot(path, found), expected, `ls -ld ${shellWord(path)}`);
  const wanted = await wantedOf(ownership);
  if (typeof wanted === 'string') return fail(wanted, expected, 'mend owner or group in the configuration');
  const observed = await describe(found, ownership);
  const command = commandFor(path, ownership, wrongOf(found, wanted));
  if (command === '') return pass(observed, expected);
  if (!ownership.mend) return fail(observed, expected, command);
  if (!mayMend) return warn(observed, expected, `${command} (a deploy does it by itself)`);
  try {
    const now = await putRight(path, wanted);
    return pass(`was ${observed}, is ${await describe(now, ownership)} now`, expected);
  } catch (error) {
    return fail(`${observed}, which could not be put right: ${messageOf(error)}`, expected, command);
  }
}

function isStats(found: unknown): found is Stats {
  return typeof found === 'object' && found !== null && 'uid' in found;
}

function whyNot(path: string, error: unknown): string {
  const errno = errnoOf(error);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return `there is no ${path}`;
  return errno === 'EACCES' ? `${path} cannot be seen: permission denied` : messageOf(error);
}

async function wantedOf({ owner, group, mode }: Ownership): Promise<Wanted | string> {
  const [account, team] = await Promise.all([
    owner === null ? null : accountOfUser(owner),
    group === null ? null : groupOf(group),
  ]);
  if (owner !== null && account === null) return `there is no user ${owner}`;
  if (group !== null && team === null) return `there is no group ${group}`;
  return { uid: account?.uid ?? null, gid: team?.gid ?? null, mode };
}

interface Wrong {
  isOwner: boolean;
  isGroup: boolean;
  isMode: boolean;
}

function wrongOf(found: Stats, { uid, gid, mode }: Wanted): Wrong {
  return {
    isOwner: uid !== null && found.uid !== uid,
    isGroup: gid !== null && found.gid !== gid,
    isMode: mode !== null && modeOf(found) !== mode,
  };
}

/** What a person types, or nothing where all is well. */
function commandFor(path: string, { owner, group, mode }: Ownership, { isOwner, isGroup, isMode }: Wrong): string {
  const whose = `${isOwner ? owner : ''}${isGroup ? `:${group}` : ''}`;
  const commands = [
    ...(whose === '' ? [] : [`chown ${shellWord(whose)} ${shellWord(path)}`]),
    ...(isMode ? [`chmod ${formatMode(mode ?? 0)} ${shellWord(path)}`] : []),
  ];
  return commands.join(' && ');
}

/**
 * Through a descriptor of the very file: whoever may write a directory on the way could put a link in its place, or another
 * name of a file of root's, and would be given what they point at.
 */
async function putRight(path: string, { uid, gid, mode }: Wanted): Promise<Stats> {
  const file = await openItself(path);
  try {
    const found = await requireOneName(file);
    if (uid !== null || gid !== null) await file.chown(uid ?? found.uid, gid ?? found.gid);
    // After the owner, whose change takes the setuid bits away.
    if (mode !== null) await file.chmod(mode);
    return await file.stat();
  } finally {
    await file.close();
  }
}

async function openItself(path: string): Promise<FileHandle> {
  // Nobody but root has anything to give that the user has not already; and a directory need not be readable to be gone through.
  if (process.geteuid?.() !== 0) return openNoLink(path);
  const directory = await pinDirectory(dirname(path));
  if (directory === null) throw new Error(`there is no ${dirname(path)}`);
  return letGoAfter(directory, () => openNoLink(join(directory.path, basename(path))));
}

async function openNoLink(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
    throw errnoOf(error) === 'ELOOP' ? new Error('it is a link') : error;
  });
}

async function requireOneName(file: FileHandle): Promise<Stats> {
  const found = await file.stat();
  if (found.isDirectory()) return found;
  if (!found.isFile()) throw new Error('it is neither a file nor a directory');
  if (found.nlink > 1) throw new Error('it has several names');
  return found;
}

/** Of whose file it is, as much as is asked for. */
async function describe(found: Stats, { owner, group, mode }: Ownership): Promise<string> {
  const [account, team] = await Promise.all([
    owner === null ? null : accountOfUser(found.uid),
    group === null ? null : groupOf(found.gid),
  ]);
  const user = owner === null ? '' : (account?.name ?? `${found.uid}`);
  const whose = group === null ? user : `${user}:${team?.name ?? found.gid}`;
  const parts = [whose, mode === null ? '' : formatMode(modeOf(found))].filter((part) => part !== '');
  return parts.join(' ') || 'there';
}

function expectedOf({ owner, group, mode }: Ownership): string {
  const whose = group === null ? (owner ?? '') : `${owner ?? ''}:${group}`;
  const parts = [whose, mode === null ? '' : formatMode(mode)].filter((part) => part !== '');
  return parts.join(' ') || 'a file';
}

function modeOf({ mode }: Stats): number {
  return mode & 0o7777;
}

function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, '0');
}
