import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { listBuildIds } from '../builds/list.ts';
import { StepFailure } from '../run/failure.ts';
import type { HookAnswer } from '../run/hooks.ts';
import { addBuild } from './add.ts';
import { openNamed } from './named-archive.ts';
import type { Place } from './place.ts';
import type { PushedCommit } from './source.ts';

/** Such a file is meant to be taken in; what else a hook names beside the build that it left may be anything. */
const archiveName = /\.(tar|tar\.gz|tgz|tar\.zst)$/;

/**
 * The build that a hook leaves: the archive whose path it printed last, taken in, or a new one in the builds directory. Somebody
 * else may put a build there meanwhile, so what it printed comes first.
 * @param about `work` runs the hook; `origin`: what it builds, as far as that is known
 * @throws `StepFailure` when it left neither, or nobody can tell which one is its own; what `addBuild` throws
 */
export async function buildLeftBy(
  place: Place,
  { work, origin }: { work: () => Promise<HookAnswer>; origin?: Partial<PushedCommit> | undefined },
): Promise<string> {
  const { builds } = place.target;
  const before = new Set(await listBuildIds(builds));
  const answer = await work();
  const made = (await listBuildIds(builds)).filter((id) => !before.has(id));
  const path = answer.line === null ? null : resolve(answer.dir, answer.line);
  const named = made.find((id) => answer.line === id || path === join(builds, id));
  if (named !== undefined) return named;
  const [own, ...others] = made;
  if (path !== null && (own === undefined || archiveName.test(path))) {
    const archive = await openNamed({ path, user: answer.user }, place.signal);
    if (archive !== null) return takeIn(place, { archive, path }, origin ?? {});
  }
  if (own === undefined) throw leftNothing(place, answer);
  if (others.length === 0) return own;
  const what = `${builds} has more than one new build: ${made.join(', ')}`;
  throw new StepFailure('hook', `${what}; the hook has to print the path of its own one last`);
}

function leftNothing({ target, redact }: Place, { line, user }: HookAnswer): StepFailure {
  const file = user === null ? 'no file' : `no file that ${user} may read`;
  const said =
    line === null ? 'it printed nothing' : `the last line that it printed is ${file}: ${redact(line).slice(0, 200)}`;
  return new StepFailure('hook', `it left no new build in ${target.builds}, and ${said}`);
}

async function takeIn(
  place: Place,
  { archive, path }: { archive: string | Readable; path: string },
  { revision, branch }: Partial<PushedCommit>,
): Promise<string> {
  const origin = { ...(revision ? { revision } : {}), ...(branch ? { branch } : {}) };
  const { id, notes } = await addBuild(place, { archive, ...origin });
  for (const message of [`${id} was taken in from ${path}`, ...notes]) place.emit({ type: 'note', message });
  return id;
}
