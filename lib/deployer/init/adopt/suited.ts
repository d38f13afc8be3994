import { readdir, realpath, statfs } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import { isThere } from '../../../base/files.ts';
import { pinDirectory } from '../../../base/pinned-directory.ts';
import type { ManagerKind } from '../../../config/model.ts';
import { formatSize } from '../../../config/quantities.ts';
import { amount, textOf } from '../../../systemd/facts.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import { systemctl } from '../../../systemd/typed.ts';
import { common } from '../advice.ts';
import type { SeenUnit } from '../unit.ts';
import { type Contents, lookThrough, suggested } from './data.ts';
import { afterKept, isKeptName } from './kept.ts';

/** So much is left free besides the copy. */
const spareBytes = 64 * 1024 * 1024;
const namedAtMost = 8;

/** The directory that a service runs in, which is to become its first build. @throws `refused` with what to do where it cannot */
export async function requireSource(seen: SeenUnit, manager: ManagerKind): Promise<string> {
  const { unit } = seen.facts;
  const directory = namedDirectory(seen, manager);
  if (!(await isThere(directory))) {
    const what = `${directory} of ${unit} is not there, seen from outside of the service (RootDirectory=, BindPaths=)`;
    throw refusal(what, `by hand, as this says: cutover init ${unit}`);
  }
  const real = await realpath(directory).catch(() => directory);
  if (real !== directory) {
    throw refusal(
      `${directory} of ${unit} is a link to ${real}`,
      `WorkingDirectory=${real} in the unit, restart, and again`,
    );
  }
  if (common.test(directory)) {
    throw refusal(
      `${directory} holds more than ${unit}`,
      `give the software a directory of its own, such as /srv/app, and again`,
    );
  }
  return directory;
}

/** The directory that the unit names, where it can be moved as far as systemd knows. */
function namedDirectory({ facts, directory, socket, isRunning }: SeenUnit, manager: ManagerKind): string {
  const { unit } = facts;
  if (!isRunning) {
    const what = `${unit} is not running (${facts.activeState}, ${facts.subState}), so nobody can tell whether it serves as before`;
    throw refusal(what, `${systemctl(manager, `start ${unit}`)}, and again`);
  }
  if (socket !== null) {
    throw refusal(`${socket} holds the port of ${unit}`, `by hand, as this says: cutover init ${unit}`);
  }
  if (directory === null) {
    const how = `WorkingDirectory=DIRECTORY in the unit (${systemctl(manager, `edit ${unit}`)}), restart, and again`;
    throw refusal(`${unit} names no directory that it runs in`, how);
  }
  return directory;
}

/** What else has to hold before anything is changed. */
export interface Suiting {
  source: string;
  builds: string;
  /** absolute */
  shared: readonly string[];
  systemd: Systemd;
  signal: AbortSignal;
}

/** @throws `refused` with what to do, `permission` */
export async function requireMovable(seen: SeenUnit, suiting: Suiting): Promise<void> {
  const { source, builds, shared, systemd, signal } = suiting;
  const { unit } = seen.facts;
  for (const path of shared)
    if (!(await isThere(path))) throw refusal(`there is no ${path} to be shared`, `ls ${source}`);
  await requireFree(builds, source, unit);
  await requireAlone(unit, source, systemd);
  const pids = await systemd.processes(unit);
  const sinceMs = await startedMs(unit, systemd);
  const { bytes, bound, ...found } = await lookThrough(source, { shared, sinceMs, pids, signal });
  if (found.data.length > 0) throw unsplit(unit, found, { source, shared });
  if (bound.length > 0) {
    const what = `in ${source} names itself in full, and a copy of it would too: ${listOf(bound)}`;
    throw refusal(
      what,
      `relative links (ln -sr), an environment of Python made anew in a build; or by hand, as this says: cutover init ${unit}`,
    );
  }
  await requireRoom(builds, bytes);
}

/** When the service began to run, in milliseconds since the epoch: a reload, or a process that another one takes over from, changes nothing. */
async function startedMs(unit: string, systemd: Systemd): Promise<number> {
  const [process, active] = await Promise.all([
    systemd.property(unit, 'Service', 'ExecMainStartTimestamp'),
    systemd.property(unit, 'Unit', 'ActiveEnterTimestamp'),
  ]);
  return Math.min(...[process, active].flatMap((time) => amount(time) || [])) / 1000;
}

/** A place for the builds that is not in what they are made of, and that nothing lies in. */
async function requireFree(builds: string, source: string, unit: string): Promise<void> {
  if (builds === source || builds.startsWith(`${source}/`)) {
    throw refusal(
      `${builds} lies in ${source}, which is copied there`,
      `cutover init ${unit} --adopt --builds ${source}-builds`,
    );
  }
  await requireNoLink(builds);
  const names = (await isThere(builds)) ? await readdir(builds) : [];
  if (names.length === 0) return;
  const kept = names.find(isKeptName);
  const another = `cutover init ${unit} --adopt --builds ANOTHER`;
  if (kept === undefined) throw refusal(`${builds} is there already, and is not empty`, another);
  const path = join(builds, kept);
  throw refusal(
    `${path} holds what ${unit} wrote there before it was taken back`,
    `${afterKept(source, path)}, and again`,
  );
}

/** Root will not follow one that somebody else could change: better said before anything is begun. @throws `refused` */
async function requireNoLink(builds: string): Promise<void> {
  let there = builds;
  while (!(await isThere(there))) there = dirname(there);
  const pinned = await pinDirectory(there);
  await pinned?.file.close();
}

/** Two services in one directory would be in two after that. */
async function requireAlone(unit: string, source: string, systemd: Systemd): Promise<void> {
  const others = (await systemd.loadedUnits('*.service')).filter((name) => name !== unit);
  const places = await Promise.all(
    others.map(async (name) => textOf(await systemd.property(name, 'Service', 'WorkingDirectory').catch(() => ''))),
  );
  const sharing = others.filter((_, at) => {
    const place = (places[at] ?? '').replace(/^!/, '');
    return place === source || place.startsWith(`${source}/`);
  });
  if (sharing.length === 0) return;
  throw refusal(
    `${sharing.join(' and ')} runs in ${source}, too`,
    'give each service a directory of its own, and again',
  );
}

/** What is written there after the copy would be missing in one of both. */
function unsplit(
  unit: string,
  found: Pick<Contents, 'data' | 'mixed'>,
  { source, shared }: { source: string; shared: readonly string[] },
): CutoverError {
  const named = [...shared.map((path) => relative(source, path)), ...suggested(found)];
  const what = `${unit} writes in ${source}: ${listOf(found.data)}; what it writes has to stay outside of builds`;
  return refusal(
    what,
    `it stays where it is, and builds have links to it: cutover init ${unit} --adopt ${named.map((name) => `--shared ${name}`).join(' ')}`,
  );
}

async function requireRoom(builds: string, bytes: number): Promise<void> {
  let at = builds;
  while (!(await isThere(at))) at = dirname(at);
  const { bavail, bsize } = await statfs(at);
  if (bavail * bsize >= bytes + spareBytes) return;
  throw refusal(
    `the copy takes ${formatSize(bytes)}, and ${at} has room for ${formatSize(bavail * bsize)}`,
    `df -h ${at}; make room, or name another place: --builds DIR`,
  );
}

function listOf(names: readonly string[]): string {
  const some = names.slice(0, namedAtMost).join(', ');
  return names.length > namedAtMost ? `${some} and ${names.length - namedAtMost} more` : some;
}

function refusal(what: string, mend: string): CutoverError {
  return new CutoverError('refused', `${what}; nothing was changed`, { mend });
}

/** The directory in which the builds go where nobody says another. */
export function defaultBuilds(source: string): string {
  return `${source}-builds`;
}

/** What is shared, in full. @throws `usage` for what does not lie in the directory */
export function sharedPaths(source: string, words: readonly string[]): string[] {
  return words.map((word) => {
    const path = resolve(source, word);
    if (path.startsWith(`${source}/`)) return path;
    throw new CutoverError('usage', `${word} does not lie in ${source}`, { mend: 'a path below it: --shared data' });
  });
}
