import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../sandboxed.ts';
import type { Site } from '../deploy/site.ts';

/** When the first, second, third … process of a command dies, as `kill-at.cjs` has it; '' or none: it lives. */
export type Orders = Partial<Record<'deploy' | 'rollback' | 'recover-one' | 'settle', string[]>>;

/** What a process did until its end: the moments that passed, and the signal that each brought. */
export interface ProcessRecord {
  command: string;
  passed: { moment: string; what: string; signal: string }[];
  /** when the last moment passed, which for a killed process is its death; milliseconds since the epoch */
  endedAt: number;
}

/** The environment that makes node obey the orders. */
export const obedient = { NODE_OPTIONS: `--require=${join(repository, 'test/crash/kill-at.cjs')}` };

/** Where the orders of a site are, and what its processes write down. */
export const folderOf = ({ sandbox, app }: Site): string => sandbox.hostPath(`/var/lib/crash/${app}`);

/** What systemd starts obeys too, until the machine goes down. */
export async function makeObedient({ sandbox }: Pick<Site, 'sandbox'>): Promise<void> {
  await sandbox.run('systemctl', 'set-environment', `NODE_OPTIONS=${obedient.NODE_OPTIONS}`);
}

/** Replaces the orders for a site and forgets its records. Only while none of its processes is at work. */
export async function give(site: Site, orders: Orders): Promise<void> {
  const folder = folderOf(site);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'orders.json'), JSON.stringify(orders));
}

/** What the processes since the last `give` did, in the order in which they began, command by command. */
export async function recordsOf(site: Site): Promise<ProcessRecord[]> {
  const folder = folderOf(site);
  const files = (await readdir(folder)).filter((name) => /\.\d+$/.test(name));
  const byNumber = files.toSorted((one, other) => numberOf(one) - numberOf(other));
  return Promise.all(
    byNumber.map(async (name) => {
      const lines = (await readFile(join(folder, name), 'utf8')).split('\n').filter(Boolean);
      const passed = lines
        .map((line) => line.split('\t'))
        .map(([moment = '', what = '', signal = '']) => ({ moment, what, signal }));
      const { mtimeMs: endedAt } = await stat(join(folder, name));
      return { command: name.split('.')[0] ?? '', passed, endedAt };
    }),
  );
}

function numberOf(name: string): number {
  return Number(name.split('.')[1]);
}
