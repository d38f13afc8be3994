import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { userDirectory } from '../../base/xdg.ts';
import type { ManagerKind } from '../../config/model.ts';
import type { Candidate } from './candidates.ts';

/** The services that somebody put on this machine; those of the distribution last. */
export async function unitNames(manager: ManagerKind, env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  const home = userDirectory('XDG_CONFIG_HOME', env);
  const own = manager === 'user' ? [join(home, 'systemd/user'), '/etc/systemd/user'] : ['/etc/systemd/system'];
  const shipped = manager === 'user' ? ['/usr/lib/systemd/user'] : ['/usr/lib/systemd/system', '/lib/systemd/system'];
  const [names, others] = await Promise.all([servicesIn(own), servicesIn(shipped)]);
  const first = [...names].map((value) => ({ value }));
  return [...first, ...[...others].filter((name) => !names.has(name)).map((value) => ({ value, isLast: true }))];
}

/** Of a template only instances can be named, and which there are the folder does not tell. */
async function servicesIn(directories: string[]): Promise<Set<string>> {
  const lists = await Promise.all(directories.map((path) => readdir(path, { withFileTypes: true }).catch(() => [])));
  const names = lists.flat().filter((entry) => entry.isFile() && entry.name.endsWith('.service'));
  return new Set(
    names
      .map(({ name }) => name)
      .filter((name) => !name.endsWith('@.service'))
      .toSorted(),
  );
}
