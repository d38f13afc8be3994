import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createdAtOf } from './layout.ts';

/** So far the clocks of two machines may be apart. */
const toleranceMs = 5 * 60_000;

/** Whether a build's name says a time that is yet to come: what is added until then is not the newest. */
export function isAhead(id: string, nowMs = Date.now()): boolean {
  const createdAt = createdAtOf(id);
  return createdAt !== null && createdAt.getTime() > nowMs + toleranceMs;
}

/**
 * Tells of builds whether they were put there after another one, where that one's name said a time yet to come; of any other
 * their names tell it.
 */
export function laterThan(directory: string, build: string): (id: string) => Promise<boolean> {
  const since = bornMs(directory, build).then((ms) => (isAhead(build, ms) ? ms : Number.POSITIVE_INFINITY));
  return async (id) => (await bornMs(directory, id)) > (await since);
}

/** When a directory was made, whatever became of it since; 0: not known. */
async function bornMs(directory: string, id: string): Promise<number> {
  return stat(join(directory, id)).then(
    ({ birthtimeMs }) => birthtimeMs,
    () => 0,
  );
}
