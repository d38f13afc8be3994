import { compareBuildIds } from './layout.ts';

/**
 * The build to go back to when nothing is recorded: the newest one older than `current` that is not quarantined,
 * or null where there is none.
 * @param ids build ids in any order
 * @param current the build in service; null where `current` leads to none: then the newest one counts
 */
export function fallbackPrevious(
  ids: readonly string[],
  current: string | null,
  quarantined: ReadonlySet<string>,
): string | null {
  const older = ids.filter((id) => !quarantined.has(id) && (current === null || compareBuildIds(id, current) < 0));
  return older.toSorted(compareBuildIds).at(-1) ?? null;
}
