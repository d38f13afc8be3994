import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { otherUser } from '../base/acting-user.ts';

/** Who a unit runs as. */
export interface Account {
  uid: number;
  /** the main group and the supplementary ones */
  gids: number[];
}

const mayRead = 4;
const mayEnter = 1;

/**
 * Why an account cannot read and enter a directory, or null when it can: r-x on the directory itself and
 * x on each of its parents (path_resolution(7)). We may be root, whom permission bits do not stop, while the unit is not.
 */
export async function whyUnreachable(path: string, account: Account): Promise<string | null> {
  if (account.uid === 0) return null;
  let at = await realpath(path);
  let needed = mayRead | mayEnter;
  for (;;) {
    const facts = await stat(at);
    if (!isAllowed(facts, account, needed)) {
      // The bits know nothing of access control lists; the kernel does, and root may ask it in the account's name.
      if (await isAllowedByKernel(path, account)) return null;
      const right = needed === mayEnter ? 'enter' : 'read';
      return `is out of reach for user ${account.uid}, who may not ${right} ${at} (mode ${modeOf(facts)})`;
    }
    if (at === '/') return null;
    at = dirname(at);
    needed = mayEnter;
  }
}

/** Owner, then group, then the others: the first class that fits decides, even when a later one would allow more. */
export function isAllowed(facts: Pick<Stats, 'uid' | 'gid' | 'mode'>, account: Account, needed: number): boolean {
  const shift = facts.uid === account.uid ? 6 : account.gids.includes(facts.gid) ? 3 : 0;
  return ((facts.mode >> shift) & needed) === needed;
}

async function isAllowedByKernel(path: string, { uid, gids }: Account): Promise<boolean> {
  if (process.getuid?.() !== 0 || gids.length === 0) return false;
  const [gid = uid] = gids;
  const asked = ['test', '-r', path, '-a', '-x', path] as const;
  return otherUser({ uid, gid, groups: gids })
    .exec(asked, { timeoutMs: 5000 })
    .then(
      ({ code }) => code === 0,
      () => false,
    );
}

function modeOf(facts: Stats): string {
  return (facts.mode & 0o7777).toString(8);
}
