import { commonEnvironment } from './environment.ts';
import { type Command, exec, startFed } from './exec.ts';

/** Starts commands in somebody's name, as `exec` and `startFed` do. */
export interface ActingUser {
  exec: typeof exec;
  startFed: typeof startFed;
}

/** Another user's rights. */
export interface Rights {
  uid: number;
  gid: number;
  /** the groups beside `gid`; `all`: those that the user is in */
  groups: readonly number[] | 'all';
}

/** Whoever this process is. */
export const ourselves: ActingUser = { exec, startFed };

/** Another user, whom only root can act as. Of our variables that user's commands get the common ones and what is given. */
export function otherUser(rights: Rights): ActingUser {
  const as = (command: Command): Command => ['setpriv', ...wordsFor(rights), '--', ...command];
  return {
    exec: (command, options) => exec(as(command), { ...options, inherited: commonEnvironment() }),
    startFed: (command, options) => startFed(as(command), { ...options, inherited: commonEnvironment() }),
  };
}

function wordsFor({ uid, gid, groups }: Rights): string[] {
  const identity = [`--reuid=${uid}`, `--regid=${gid}`];
  if (groups === 'all') return [...identity, '--init-groups'];
  return [...identity, groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`];
}
