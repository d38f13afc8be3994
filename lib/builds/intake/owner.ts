import type { Stats } from 'node:fs';
import { type ActingUser, otherUser, ourselves } from '../../base/acting-user.ts';

/** In whose name a build is written: everything that changes the builds directory is done by this one. */
export interface BuildsOwner extends ActingUser {
  /** whose name that is */
  uid: number;
}

/**
 * Root writes as the owner of the builds directory. Then the build belongs to that user, and no link that the user puts in
 * the way leads root anywhere that the user could not go.
 * @param directory what stat(2) tells of the builds directory
 */
export function ownerOf({ uid, gid }: Pick<Stats, 'uid' | 'gid'>): BuildsOwner {
  const own = process.geteuid?.() ?? uid;
  if (own !== 0 || uid === 0) return { uid: own, ...ourselves };
  return { uid, ...otherUser({ uid, gid, groups: [] }) };
}
