import { lstat, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-words.ts';
import { systemctl } from '../../systemd/typed.ts';
import { fail, pass } from '../check.ts';
import type { Patient, Rule, Setup } from './patient.ts';

/** What a unit is to start and does not have would be found out after its stop. */
export const programs: Rule = {
  name: 'programs',
  appliesTo: () => true,
  ask: ({ main: { facts }, missing }) => {
    const expected = 'programs that exist';
    if (missing.length === 0) return [pass('all are there', expected)];
    return missing.map(({ setting, path }) => {
      const edit = systemctl(facts.manager, `edit --full ${facts.unit}`);
      return fail(`${setting}= starts ${path}, which is not there`, expected, `ls -l ${shellWord(path)}; ${edit}`);
    });
  },
};

/** Folders that a unit may have of its own, without a word of it in what is asked here. */
const mayBeItsOwn = ['/tmp', '/var/tmp', '/run', '/dev', '/proc', '/sys'];

/** What puts something else in the place of a path. */
const mounts = ['BindPaths', 'BindReadOnlyPaths', 'MountImages', 'ExtensionImages', 'ExtensionDirectories'];

/**
 * The programs that a start needs and that are not there, as far as that can be told from here: outside of the builds, and not
 * where the unit has a file system of its own.
 * @param ask tells a property of the unit
 */
export async function missingPrograms(
  { commands, roots }: Pick<Setup, 'commands' | 'roots'>,
  buildsPaths: readonly string[],
  ask: (kind: 'Service', property: string) => Promise<unknown>,
): Promise<Patient['missing']> {
  if (roots.length > 0) return [];
  const away = [...buildsPaths, ...mayBeItsOwn];
  const needed = commands.flatMap(({ setting, argv: [path = ''], prefix = '' }) => {
    const isAway = !isAbsolute(path) || away.some((place) => path.startsWith(`${place}/`));
    return isAway || prefix.includes('-') || setting === 'ExecReload' ? [] : [{ setting, path }];
  });
  const found = await Promise.all(needed.map(async (one) => ((await isMissing(one.path)) ? [one] : [])));
  const missing = found.flat();
  if (missing.length === 0) return [];
  const others = await Promise.all(mounts.map((name) => ask('Service', name)));
  return others.some((list) => Array.isArray(list) && list.length > 0) ? [] : missing;
}

/** A link on the way that leads nowhere may lead into a build that is yet to come; what may not be seen may be there. */
async function isMissing(path: string): Promise<boolean> {
  const errno = await stat(path).then(() => null, errnoOf);
  if (errno !== 'ENOENT') return false;
  if (path === dirname(path)) return true;
  const isLink = await lstat(path).then(
    () => true,
    () => false,
  );
  if (isLink) return false;
  const isParentThere = await stat(dirname(path)).then(
    () => true,
    () => false,
  );
  return isParentThere || (await isMissing(dirname(path)));
}
