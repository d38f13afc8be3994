import { accountOfUser, groupOf } from '../base/accounts.ts';
import { isThere } from '../base/files.ts';
import type { TargetConfig } from '../config/model.ts';
import type { FileOwner } from '../database/kind.ts';
import type { Systemd } from '../systemd/systemd.ts';

/** For whom the file of a database is made that is not there; null: it is there, it is no file, or nobody is named. */
export async function madeForMissing(
  systemd: Pick<Systemd, 'facts' | 'property'>,
  { unit, database }: Pick<TargetConfig, 'unit' | 'database'>,
): Promise<FileOwner | null> {
  const path = database?.path ?? null;
  return path === null || (await isThere(path)) ? null : madeForUnit(systemd, unit);
}

/** For whom a file is made that a unit is to open: its User= and Group=; null: it names none, or systemd makes one up. */
async function madeForUnit(systemd: Pick<Systemd, 'facts' | 'property'>, unit: string): Promise<FileOwner | null> {
  const { user } = await systemd.facts(unit);
  const account = user ? await accountOfUser(user) : null;
  if (account === null) return null;
  const named = await systemd.property(unit, 'Service', 'Group');
  const group = await groupOf(typeof named === 'string' && named !== '' ? named : account.gid);
  const gid = group?.gid ?? account.gid;
  return { uid: account.uid, gid, name: `${account.name}:${group?.name ?? gid}` };
}
