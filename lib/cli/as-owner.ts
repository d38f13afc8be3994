import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Account, accountOfUser } from '../base/accounts.ts';
import { CutoverError } from '../base/errors.ts';
import { becomeUser } from '../base/former-root.ts';
import { accountOf } from '../systemd/account.ts';

/** Another user whose the state is, with all groups. */
export type Owner = Account & { gids: readonly number[] };

/** A target's state, and what else belongs to its owner. */
export type Owned = readonly [state: string, ...others: string[]];

/**
 * Whose a target's state is, where this is root and the state is not root's.
 * @param directory the target's state; where there is none yet, the nearest directory above it tells
 * @throws `permission` when the owner is no user of the machine any more
 */
export async function otherOwnerOf(directory: string): Promise<Owner | null> {
  if (process.geteuid?.() !== 0) return null;
  const uid = await ownerOf(directory);
  if (uid === 0) return null;
  const account = await accountOfUser(uid);
  if (account !== null) return { ...account, gids: (await accountOf(account.name))?.gids ?? [] };
  throw new CutoverError('permission', `${directory} belongs to user ${uid}, and there is no such user`, {
    mend: `chown -R root: ${directory}, or the user who is to deploy`,
  });
}

/**
 * Root works as the owner of the state from here on: what it writes stays the owner's, and what it reads there, such as the
 * commands in the ledger of a run that was cut off, is done with no more rights than the owner has. There is no way back for
 * this process.
 * @param env gets the surroundings of that user, which a manager of his own is found by
 */
export function becomeOwner(owner: Owner, directories: Owned, env: NodeJS.ProcessEnv): void {
  becomeUser(owner, directories);
  const { uid, name, home } = owner;
  Object.assign(env, { HOME: home, USER: name, LOGNAME: name, XDG_RUNTIME_DIR: `/run/user/${uid}` });
  delete env.DBUS_SESSION_BUS_ADDRESS;
}

/** The same for who keeps nothing of root's; does nothing where the state is root's, or this is not root. @throws `permission` */
export async function workAsOwner(directories: Owned, env: NodeJS.ProcessEnv): Promise<void> {
  const owner = await otherOwnerOf(directories[0]);
  if (owner !== null) becomeOwner(owner, directories, env);
}

async function ownerOf(directory: string): Promise<number> {
  for (let at = directory; ; at = dirname(at)) {
    const facts = await stat(at).catch(() => null);
    if (facts !== null) return facts.uid;
    if (at === '/') return 0;
  }
}
