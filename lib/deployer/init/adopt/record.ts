import { join, resolve } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import {
  makePrivateDirectory,
  readNowIfThere,
  removeIfThere,
  type StagedFile,
  stageDurably,
  writeDurably,
} from '../../../base/files.ts';
import { currentPath } from '../../../builds/layout.ts';
import type { Sharing } from '../../../builds/sharing.ts';
import type { TargetConfig } from '../../../config/model.ts';
import type { StatePaths } from '../../../run/state.ts';
import { clearTemporary } from '../strategy/our-files.ts';
import type { OurFile } from '../strategy/our-units.ts';

/** A service that was moved from a plain directory into a builds directory: what it takes to move it back. */
export interface Adopted {
  unit: string;
  /** the directory that it ran in, which is left as it was */
  source: string;
  builds: string;
  build: string;
  /** below `source`: they are used where they lie */
  shared: string[];
  /** our lines beside the unit's file; `before` is null */
  lines: OurFile;
}

/** A move that is under way: enough for whoever comes after a killed process to bring it to an end. */
export interface Adoption extends Adopted {
  to: 'builds' | 'directory';
  /** when the directory was looked through, in milliseconds since the epoch: what is written there later may miss the copy */
  lookedMs: number;
  /** the run of the service that it began with: another one has to be proven */
  invocationId: string;
  /** the configuration, where it is yet to be written */
  config: OurFile | null;
  /** made for the builds, outermost first */
  folders: string[];
  /** it serves where it was to: what is left are files */
  isProven: boolean;
}

/** Where the service runs on one side of a move. */
export function wayOf({ source, builds }: Adoption, side: Adoption['to']): string {
  return side === 'builds' ? currentPath(builds) : source;
}

/** The files that a move writes, in their order. */
export function filesOf({ lines, config }: Pick<Adoption, 'lines' | 'config'>): OurFile[] {
  return config ? [lines, config] : [lines];
}

const names = { moving: 'adoption.json', moved: 'adopted.json' } as const;

/** The move that was cut off, or null. @throws `refused` when it cannot be read */
export async function readAdoption(paths: StatePaths): Promise<Adoption | null> {
  return (await read(paths, 'moving')) as Adoption | null;
}

/** The move that was made, or null. @throws `refused` when it cannot be read */
export async function readAdopted(paths: StatePaths): Promise<Adopted | null> {
  return (await read(paths, 'moved')) as Adopted | null;
}

/** The file that tells of the move that was made. */
export function adoptedPath(paths: StatePaths): string {
  return pathOf(paths, 'moved');
}

/** What the builds of a target have links to since it was moved; null: nothing. @throws `refused`, `permission` */
export async function sharingOf(paths: StatePaths, { unit }: Pick<TargetConfig, 'unit'>): Promise<Sharing | null> {
  const adopted = await readAdopted(paths);
  if (adopted === null || adopted.unit !== unit) return null;
  const { source } = adopted;
  // Who owns the state may have written anything here, and the links are made by somebody else.
  const shared = adopted.shared.filter((path) => resolve(path) === path && path.startsWith(`${source}/`));
  return shared.length === 0 ? null : { source, shared, record: adoptedPath(paths) };
}

/** @throws `permission`, `disk` */
export async function writeAdoption(paths: StatePaths, adoption: Adoption): Promise<void> {
  await write(paths, 'moving', adoption);
}

/** The same in two steps, the second of which needs no room. @throws `permission`, `disk` */
export async function stageAdoption(paths: StatePaths, adoption: Adoption): Promise<StagedFile> {
  return stageDurably(pathOf(paths, 'moving'), recordText(adoption));
}

/** @throws `permission`, `disk` */
export async function writeAdopted(paths: StatePaths, adopted: Adopted | null): Promise<void> {
  if (adopted !== null) return write(paths, 'moved', adopted);
  await removeIfThere(pathOf(paths, 'moved'));
}

/** The move has ended, one way or the other. */
export async function clearAdoption(paths: StatePaths): Promise<void> {
  await removeIfThere(pathOf(paths, 'moving'));
  await clearTemporary([pathOf(paths, 'moving'), pathOf(paths, 'moved')]);
}

async function write(paths: StatePaths, which: keyof typeof names, value: unknown): Promise<void> {
  await makePrivateDirectory(paths.directory);
  await writeDurably(pathOf(paths, which), recordText(value));
}

function recordText(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

async function read(paths: StatePaths, which: keyof typeof names): Promise<unknown> {
  const path = pathOf(paths, which);
  const text = readNowIfThere(path);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    const what = `${path} cannot be read: it tells where the service was moved from`;
    throw new CutoverError('refused', what, { mend: `see whether the service serves, then: rm ${path}`, cause: error });
  }
}

function pathOf({ directory }: StatePaths, which: keyof typeof names): string {
  return join(directory, names[which]);
}
