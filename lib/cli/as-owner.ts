import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { accountOfUser } from '../base/accounts.ts';
import { CutoverError } from '../base/errors.ts';
import { accountOf } from '../systemd/account.ts';

/**
 * Where a target's state is another user's, root works as that user from here on: what it writes stays the owner's, and what it
 * reads there, such as the commands in the ledger of a run that was cut off, is done with no more rights than the owner has. There is no way
 * back for this process.
 * @param directory the target's state; where there is none yet, the nearest directory above it tells
 * @param env gets the surroundings of that user, which a manager of his own is found by
 * @throws `permission` when the owner is no user of the machine any more
 */
export async function workAsOwner(directory: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const uid = await ownerOf(directory);
  if (uid === 0) return;
  const account = await accountOfUser(uid);
  if (account === null) {
    throw new CutoverError('permission', `${directory} belongs to user ${uid}, and there is no such user`, {
      mend: `chown -R root: ${directory}, or the user who is to deploy`,
    });
  }
  const groups = (await accountOf(account.name))?.gids ?? [];
  // In this order: who is not root any more may change neither groups nor user.
  process.setgroups?.(groups);
  process.setgid?.(account.gid);
  process.setuid?.(uid);
  const { name, home } = account;
  Object.assign(env, { HOME: home, USER: name, LOGNAME: name, XDG_RUNTIME_DIR: `/run/user/${uid}` });
  delete env.DBUS_SESSION_BUS_ADDRESS;
}

async function ownerOf(directory: string): Promise<number> {
  for (let at = directory; ; at = dirname(at)) {
    const facts = await stat(at).catch(() => null);
    if (facts !== null) return facts.uid;
    if (at === '/') return 0;
  }
}
