import { newestProven } from './history.ts';
import { readQuarantine } from './quarantine.ts';
import type { StatePaths } from './state.ts';

/**
 * The build that something goes back to by itself: proven last, in no quarantine, and none of those that are left or tried.
 * @param ids the builds that are on the disk
 * @returns null: there is none
 */
export async function provenBeside(
  paths: StatePaths,
  ids: readonly string[],
  others: readonly (string | null)[],
): Promise<string | null> {
  const quarantined = await readQuarantine(paths);
  const wanted = new Set(ids.filter((id) => !others.includes(id) && !Object.hasOwn(quarantined, id)));
  return wanted.size === 0 ? null : newestProven(paths, (id) => wanted.has(id));
}
