import { exec } from '../base/exec.ts';

/** A user as the kernel sees it. */
export interface UserAccount {
  uid: number;
  gids: number[];
}

const timeoutMs = 5_000;

/** The account of a unit's `User=`, or null where none is set or it does not exist yet (`DynamicUser=`). */
export async function accountOf(user: string | null): Promise<UserAccount | null> {
  if (user === null || user === 'root' || user === '0') return null;
  const [uid, gids] = await Promise.all([askId(['-u', user]), askId(['-G', user])]);
  return uid === null || gids === null ? null : { uid: Number(uid), gids: gids.split(' ').map(Number) };
}

async function askId(args: string[]): Promise<string | null> {
  const { code, stdout } = await exec(['id', ...args], { timeoutMs });
  return code === 0 ? stdout.trim() : null;
}
