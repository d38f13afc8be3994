import type { Stats } from 'node:fs';
import type { Command } from '../../base/exec.ts';

/** In whose name a build is written: everything that changes the builds directory goes through `as`. */
export interface BuildsOwner {
  /** whose name that is */
  uid: number;
  /** the same command, carried out by the owner of the builds directory */
  as: (command: Command) => Command;
}

/**
 * Root writes as the owner of the builds directory. Then the build belongs to that user, and no link that the user puts in
 * the way leads root anywhere that the user could not go.
 * @param directory what stat(2) tells of the builds directory
 */
export function ownerOf({ uid, gid }: Pick<Stats, 'uid' | 'gid'>): BuildsOwner {
  const own = process.geteuid?.() ?? uid;
  if (own !== 0 || uid === 0) return { uid: own, as: (command) => command };
  return { uid, as: (command) => ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...command] };
}
