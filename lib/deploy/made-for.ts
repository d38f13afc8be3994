import { accountOfUser, groupOf } from '../base/accounts.ts';
import type { FileOwner } from '../database/kind.ts';
import type { Systemd } from '../systemd/systemd.ts';

/** For whom a file is made that a unit is to open: its User= and Group=; null: it names none, or systemd makes one up. */
export async function madeForUnit(
  systemd: Pick<Systemd, 'facts' | 'property'>,
  unit: string,
): Promise<FileOwner | null> {
  const { user } = await systemd.facts(unit);
  const account = user ? await accountOfUser(user) : null;
  if (account === null) return null;
  const named = await systemd.property(unit, 'Service', 'Group');
  const group = await groupOf(typeof named === 'string' && named !== '' ? named : account.gid);
  const gid = group?.gid ?? account.gid;
  return { uid: account.uid, gid, name: `${account.name}:${group?.name ?? gid}` };
}
