import { basename, dirname, join } from 'node:path';
import { letGoAfter, pinDirectory, type PinnedDirectory } from '../base/pinned-directory.ts';
import { removeTrees } from '../base/remove.ts';
import type { Place } from './place.ts';
import { addFailure, type PrunedItem, type PruneReport } from './prune-report.ts';

/** Why something is still there, by its path. */
type Problems = Map<string, unknown>;

/**
 * Removes evidence, ledgers, logs and backups.
 * @returns what is gone; what is not is in the report
 * @throws the signal's reason when aborted
 */
export async function removeItems(
  items: readonly PrunedItem[],
  { signal }: Pick<Place, 'signal'>,
  report: PruneReport,
): Promise<PrunedItem[]> {
  const pathsOf = (...kinds: PrunedItem['kind'][]): string[] =>
    items.filter(({ kind }) => kinds.includes(kind)).map(({ path }) => path);
  const problems: Problems = new Map([
    ...(await removeTogether(pathsOf('evidence'), signal)),
    ...(await removeTogether(pathsOf('ledger'), signal)),
    ...(await removeTrees(pathsOf('log', 'backup', 'rest'), signal)),
  ]);
  for (const item of items) {
    const problem = problems.get(item.path);
    if (problem) addFailure(report, item, problem);
  }
  return items.filter(({ path }) => !problems.has(path));
}

/** @param paths of one directory, which is held on to: its name may lead elsewhere by then */
async function removeTogether(paths: readonly string[], signal: AbortSignal): Promise<Problems> {
  const [first] = paths;
  if (first === undefined) return new Map();
  const all = (problem: unknown): Problems => new Map(paths.map((path) => [path, problem]));
  const directory = await pinDirectory(dirname(first)).catch(all);
  if (directory === null) return new Map();
  return directory instanceof Map ? directory : letGoAfter(directory, () => removeIn(directory, paths, signal));
}

async function removeIn(directory: PinnedDirectory, paths: readonly string[], signal: AbortSignal): Promise<Problems> {
  const names = paths.map((path) => `./${basename(path)}`);
  const left = await removeTrees(names, signal, directory.path);
  const known = (problem: Error): Error => {
    problem.message = problem.message.replaceAll("'./", `'${directory.name}/`);
    return problem;
  };
  return new Map([...left].map(([name, problem]) => [join(directory.name, name), known(problem)]));
}
