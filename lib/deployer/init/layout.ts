import { lstat, realpath } from 'node:fs/promises';
import { join, normalize, sep } from 'node:path';
import { CutoverError } from '../../base/errors.ts';
import { isThere } from '../../base/files.ts';
import { type CurrentLink, readCurrent } from '../../builds/current.ts';
import { currentName } from '../../builds/layout.ts';
import type { ManagerKind } from '../../config/model.ts';
import { servingBuild } from '../../deploy/identity.ts';
import { movingIn, renaming } from './advice.ts';
import { pathsIn, type SeenUnit } from './unit.ts';

/** Where the builds of a unit are, and how that is known. */
export interface FoundBuilds {
  builds: string;
  /** null: the person said so */
  from: 'WorkingDirectory=' | 'ExecStart=' | null;
  /** its process runs in `current` or from it, so that which build it is can be proven */
  isProvable: boolean;
  link: CurrentLink;
}

interface Asked {
  /** the builds directory that the person named */
  said: string | undefined;
  manager: ManagerKind;
}

/**
 * The builds directory of a unit: what lies around the `current` that it names.
 * @throws `refused` with what has to change where the unit names no such link
 */
export async function findBuilds(unit: SeenUnit, asked: Asked): Promise<FoundBuilds> {
  const found = (await namedByUnit(unit)) ?? (await seenInProcess(unit, asked.said));
  if (!found) throw movingIn(unit, asked);
  if (asked.said !== undefined && !(await isSame(found.builds, asked.said))) {
    throw new CutoverError(
      'refused',
      `${unit.facts.unit} runs in ${join(found.builds, currentName)}, not below ${asked.said}`,
      {
        mend: `cutover init ${unit.facts.unit}, without --builds; or change ${found.from ?? 'the unit'} in the unit first`,
      },
    );
  }
  const link = await readCurrent(found.builds);
  const isOther = link.state === 'not_a_link' || link.state === 'outside' || link.state === 'not_a_build';
  if (isOther) throw renaming(unit, { builds: found.builds, link, manager: asked.manager });
  return { ...found, link };
}

async function namedByUnit({ directory, commands }: SeenUnit): Promise<Omit<FoundBuilds, 'link'> | null> {
  const inDirectory = directory === null ? null : await aroundCurrent([directory]);
  if (inDirectory) return { builds: inDirectory, from: 'WorkingDirectory=', isProvable: true };
  const inProgram = await aroundCurrent(commands.flatMap(({ argv }) => argv.slice(0, 1)));
  if (inProgram) return { builds: inProgram, from: 'ExecStart=', isProvable: true };
  const inArguments = await aroundCurrent(commands.flatMap(({ argv }) => argv.slice(1).flatMap(pathsIn)));
  return inArguments ? { builds: inArguments, from: 'ExecStart=', isProvable: false } : null;
}

/** A script that goes there itself: the process tells what the unit does not. */
async function seenInProcess({ facts }: SeenUnit, said: string | undefined): Promise<Omit<FoundBuilds, 'link'> | null> {
  if (said === undefined || !(await isThere(said))) return null;
  const build = await servingBuild(said, facts, null);
  return build === null ? null : { builds: said, from: null, isProvable: true };
}

/** The directory that holds the first `current` in one of the paths: a link rather than a name that only reads so. */
async function aroundCurrent(paths: readonly string[]): Promise<string | null> {
  const places = paths.flatMap((path) => {
    const parts = normalize(path).split(sep);
    return parts.flatMap((part, at) => (part === currentName && at > 1 ? [parts.slice(0, at).join(sep)] : []));
  });
  for (const place of places) {
    const facts = await lstat(join(place, currentName)).catch(() => null);
    if (facts?.isSymbolicLink()) return place;
  }
  return places[0] ?? null;
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => realpath(path).catch(() => normalize(path))));
  return a === b;
}
