import type { FileHandle } from 'node:fs/promises';
import { CutoverError } from '../base/errors.ts';
import { giveTo, type Owner } from '../base/owner.ts';
import { shellLine } from '../base/shell-words.ts';
import { accountOf } from '../systemd/account.ts';

/** To read and to write. */
const dataRights = 0o6;

/**
 * Gives a new file to whoever had the one that it replaces. Only root can in every case: a plain user keeps its group, where he
 * is in it, and becomes its owner.
 * @param former the file that is replaced
 * @param path what people call it
 * @throws `permission` where somebody could do less with the new file than with the former one
 */
export async function giveLike(former: Owner & { mode: number }, file: FileHandle, path: string): Promise<void> {
  giveTo(former, file.fd);
  // Whose group it is not may not give it to that group; that is seen just now.
  if (process.geteuid?.() !== 0) await file.chown(-1, former.gid).catch(() => {});
  const { uid, gid } = await file.stat();
  const [ofOwner = 0, ofGroup = 0, ofOthers = 0] = [6, 3, 0].map((bits) => (former.mode >> bits) & dataRights);
  const isLostToGroup = gid !== former.gid && lacks(ofGroup, ofOthers);
  if (!isLostToGroup && (uid === former.uid || former.uid === 0)) return;
  // Of the rights of its group and of all, a member of the group has the former alone.
  const left = (await isInGroup(former)) ? ofGroup : ofOthers;
  if (!isLostToGroup && !lacks(ofOwner, left)) return;
  throw new CutoverError('permission', `${path} would be lost to its user ${former.uid}: only root can make it anew`, {
    mend: `${shellLine(['ls', '-l', path])}; run with sudo`,
  });
}

function lacks(rights: number, others: number): boolean {
  return (rights & ~others) !== 0;
}

async function isInGroup({ uid, gid }: Owner): Promise<boolean> {
  return (await accountOf(String(uid)))?.gids.includes(gid) ?? false;
}
