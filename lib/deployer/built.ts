import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { listBuildIds } from '../builds/list.ts';
import { StepFailure } from '../run/failure.ts';
import type { HookAnswer } from '../run/hooks.ts';
import { addBuild } from './add.ts';
import type { Place } from './place.ts';
import type { Source } from './source.ts';
import { knownOrigin } from './source-stages.ts';

/**
 * The build that a hook leaves: a new one in the builds directory, or the archive whose path it printed last, taken in.
 * @param about `work` runs the hook; `source`: what it builds, where that is known
 * @throws `StepFailure` when it left neither; what `addBuild` throws
 */
export async function buildLeftBy(
  place: Place,
  { work, source }: { work: () => Promise<HookAnswer>; source?: Source | undefined },
): Promise<string> {
  const { builds } = place.target;
  const before = new Set(await listBuildIds(builds));
  const answer = await work();
  const made = (await listBuildIds(builds)).filter((id) => !before.has(id)).toSorted();
  const newest = made.at(-1);
  return newest ?? takeIn(place, answer, source);
}

async function takeIn(place: Place, { line, dir }: HookAnswer, source: Source | undefined): Promise<string> {
  const path = line === null ? null : resolve(dir, line);
  const isFile =
    path !== null &&
    (await stat(path).then(
      (found) => found.isFile(),
      () => false,
    ));
  if (!isFile) {
    const said =
      line === null
        ? 'it printed nothing'
        : `the last line that it printed is no file: ${place.redact(line.slice(0, 200))}`;
    throw new StepFailure('hook', `it left no new build in ${place.target.builds}, and ${said}`);
  }
  const { id, notes } = await addBuild(place, { archive: path, ...(source ? knownOrigin(place.target, source) : {}) });
  for (const message of [`${id} was taken in from ${path}`, ...notes]) place.emit({ type: 'note', message });
  return id;
}
