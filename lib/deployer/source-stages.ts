import { mkdir } from 'node:fs/promises';
import { fileError } from '../base/errors.ts';
import { removeTrees } from '../base/remove.ts';
import type { Origin } from '../builds/origin.ts';
import type { HookConfig, TargetConfig } from '../config/model.ts';
import { StepFailure } from '../run/failure.ts';
import type { Place } from './place.ts';
import { type Source, workTree } from './source.ts';

/** The stages of a commit's deploy: its files are put where the hooks find them, tested, and become a build. */
export function stagesOfSource({ hooks }: TargetConfig): ('fetch' | 'test' | 'build')[] {
  const isTested = (hooks.test ?? []).length > 0;
  const isBuilt = (hooks.build ?? []).length > 0;
  return [...(isTested || isBuilt ? (['fetch'] as const) : []), ...(isTested ? (['test'] as const) : []), 'build'];
}

/** Whether a stage works in a directory of its own, which only the hook `fetch` brings up to date. */
export function needsFetch({ hooks }: TargetConfig): boolean {
  return [...(hooks.test ?? []), ...(hooks.build ?? [])].some(({ dir }) => dir !== null);
}

/** What is known of a build that a commit's deploy made; a hook with a directory of its own may have built another one. */
export function knownOrigin(
  { hooks }: TargetConfig,
  { revision, branch }: Source,
): { revision?: string; branch?: string } {
  return (hooks.build ?? []).some(({ dir }) => dir !== null) ? {} : { revision, branch };
}

/** Whether a build is that of the commit; its revision may be a shorter name of it. */
export function isMadeFrom({ revision }: Origin, source: Source): boolean {
  return revision !== null && /^[0-9a-f]{7,}$/.test(revision) && source.revision.startsWith(revision);
}

/**
 * Checks the commit out, alone: what an earlier one left there is removed.
 * @throws `StepFailure` where a hook's user could not look into it; `permission`, `disk`, `no_build`
 */
export async function checkOutSource(place: Place, source: Source): Promise<void> {
  requireOwnHooks(place.target);
  const directory = workTree(place);
  await removeSource(place);
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    throw fileError(error, 'cannot create', directory);
  });
  await source.checkOut(directory, place.signal);
}

/** Removes the checkout; one that a failure left stays for a look until then. */
export async function removeSource(place: Place): Promise<void> {
  const directory = workTree(place);
  const left = await removeTrees([directory, `${directory}.index`, `${directory}.index.lock`], place.signal);
  for (const problem of left.values()) throw problem;
}

/** Takes the commit's archive in, where no hook builds. @returns the build */
export async function buildOfSource(place: Place, source: Source): Promise<string> {
  const { addBuild } = await import('./add.ts');
  const { revision, branch } = source;
  const { id, notes } = await addBuild(place, { archive: await source.archive(place.signal), revision, branch });
  for (const message of [`${id} was taken in`, ...notes]) place.emit({ type: 'note', message });
  return id;
}

/** The state directory is its owner's alone, and the checkout is in there. */
function requireOwnHooks({ name, hooks }: TargetConfig): void {
  for (const stage of ['test', 'build'] as const) {
    const other = hooks[stage]?.find(({ user, dir }: HookConfig) => user !== null && dir === null);
    if (other) {
      const why = `it runs as ${other.user}, who cannot look into the checkout of a pushed commit`;
      throw new StepFailure('hook', `targets.${name}.hooks.${stage}: ${why}; leave the user out, or set dir`);
    }
  }
}
