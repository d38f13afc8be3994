import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { Behaviour } from '../services/builds.ts';
import type { TestContext } from '../suite.ts';
import { makeSite, type Site, type SiteOptions } from './site.ts';

/** What a hook is written as: a line for the shell, a table, or a list. */
export type Hooks = Record<string, string | string[] | { run: string | string[]; [key: string]: string | string[] }>;

/** A site whose first build is deployed, and whose hooks are configured after that. */
export async function siteWith(
  t: TestContext,
  hooks: (site: Site) => Hooks,
  {
    make = makeSite,
    keys = [],
    builds = [{}, {}],
    ...options
  }: SiteOptions & { make?: (t: TestContext, options: SiteOptions) => Promise<Site>; builds?: Behaviour[] } = {},
): Promise<Site> {
  // The other sites write the strategy by themselves, and deploy the newest build.
  const site = await make(t, { ...options, builds: builds.slice(0, 1), ...(make === makeSite ? { keys } : {}) });
  for (const behaviour of builds.slice(1)) await site.add(behaviour);
  await configureHooks(site, hooks(site), keys);
  return site;
}

/** Writes the configuration anew, with these hooks. @param keys what the target has besides */
export function configureHooks(site: Site, hooks: Hooks, keys: string[] = []): Promise<void> {
  return site.configure({
    keys: [...keys, ...Object.entries(hooks).map(([name, hook]) => `hooks.${name} = ${tomlOf(hook)}`)],
  });
}

function tomlOf(value: Hooks[string]): string {
  if (typeof value === 'string' || Array.isArray(value)) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, item]) => `${key} = ${JSON.stringify(item)}`)
    .join(', ')} }`;
}

/** A line that writes its name and what it is told into a file of the site. */
export function record({ folder }: Pick<Site, 'folder'>, name: string): string {
  const told =
    'run=$CUTOVER_RUN build=$CUTOVER_BUILD current=$CUTOVER_CURRENT previous=$CUTOVER_PREVIOUS outcome=$CUTOVER_OUTCOME';
  return `echo ${name} ${told} >>${folder}/seen`;
}

/** The names of the hooks that ran, in their order; `whole`: with all that they were told. */
export async function seen({ sandbox, folder }: Site, { whole = false } = {}): Promise<string[]> {
  const text = await readFile(sandbox.hostPath(`${folder}/seen`), 'utf8').catch(() => '');
  const lines = text.split('\n').filter(Boolean);
  return whole ? lines : lines.map((line) => line.split(' ')[0] ?? '');
}

/** The text of a run's log. */
export async function logOf({ sandbox, logs }: Site, run: string | null): Promise<string> {
  const folder = sandbox.hostPath(logs);
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(`${folder}/${name}`, 'utf8')));
  const found = texts.filter((text) => text.split('\n')[0]?.endsWith(` run ${run}`));
  if (found.length !== 1) throw new Error(`${found.length} logs of run ${run}`);
  return found[0] ?? '';
}

/** Removes the folder in which archives are taken in; fails when there is something in it. */
export async function clearIncoming({ sandbox, builds }: Site): Promise<void> {
  await sandbox.run('rmdir', `${builds}/.incoming`);
}

/** Writes a program into the site's folder and gives its path inside. */
export async function program({ sandbox, folder }: Site, name: string, text: string, mode = 0o755): Promise<string> {
  await writeFile(sandbox.hostPath(`${folder}/${name}`), `#!/bin/sh\n${text}\n`, { mode });
  return `${folder}/${name}`;
}

/** Writes the time into a file of the site again and again, whoever asks it to end, and out of every session. */
export function stubborn({ folder }: Pick<Site, 'folder'>): string {
  return `(setsid sh -c 'trap "" TERM; while :; do read -r up rest </proc/uptime; echo $up >>${folder}/beat; sleep 0.05; done' >/dev/null 2>&1 &)`;
}

/** Waits until it has written. */
export function beaten({ folder }: Pick<Site, 'folder'>): string {
  return `until [ -s ${folder}/beat ]; do sleep 0.05; done`;
}

/** When it wrote last, in seconds since the boot; 0: never. */
export async function lastBeat({ sandbox, folder }: Site): Promise<number> {
  const text = await readFile(sandbox.hostPath(`${folder}/beat`), 'utf8').catch(() => '0');
  return Number(text.trim().split('\n').at(-1));
}
