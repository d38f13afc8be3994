import { readdir } from 'node:fs/promises';
import { errnoOf, fileError } from '../../base/errors.ts';
import type { TargetConfig } from '../../config/model.ts';
import { isNameOf } from '../../database/names.ts';
import { timeInLogName } from '../../report/log-file.ts';

/**
 * The first thing in a directory that the deploys of these targets did not write, going by its name; null: there is none.
 * @throws `permission`
 */
export async function entryOfOthers(
  directory: string,
  app: string,
  targets: readonly Pick<TargetConfig, 'name' | 'unit'>[],
): Promise<string | null> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw fileError(error, 'cannot read', directory);
  });
  const isOwn = (entry: string): boolean =>
    // Its state, where that is kept in the same place.
    entry === app ||
    targets.some(({ name, unit }) => timeInLogName(entry, unit) !== null || isNameOf({ app, target: name }, entry));
  return names.toSorted((one, other) => (one < other ? -1 : 1)).find((entry) => !isOwn(entry)) ?? null;
}
