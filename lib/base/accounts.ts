import { exec } from './exec.ts';

/** A user of the machine, as passwd(5) has it. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

const timeoutMs = 5_000;

/** The account of a user's name or number, from wherever the machine keeps its users (nsswitch.conf(5)); null: none. */
export async function accountOfUser(user: string | number): Promise<Account | null> {
  const [name = '', , uid, gid, , home = '/', shell = '/bin/sh'] = await entryOf('passwd', user);
  return name === '' ? null : { name, uid: Number(uid), gid: Number(gid), home, shell };
}

/** A group's name and number; null: there is none. */
export async function groupOf(group: string | number): Promise<{ name: string; gid: number } | null> {
  const [name = '', , gid] = await entryOf('group', group);
  return name === '' ? null : { name, gid: Number(gid) };
}

async function entryOf(database: 'passwd' | 'group', key: string | number): Promise<string[]> {
  const { code, stdout } = await exec(['getent', database, '--', String(key)], { timeoutMs });
  return code === 0 ? (stdout.split('\n')[0] ?? '').split(':') : [];
}
