import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { Breath } from '../base/breath.ts';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { digestOf, type Item, parseContents, readContents } from './contents.ts';
import { contentsName, type Manifest, manifestName, readManifest } from './manifest.ts';
import { isShared, type Sharing } from './sharing.ts';
import { readTree, type TreeEntry } from './tree.ts';

/** What is not as it was at one path. */
export type Difference = 'kind' | 'content' | 'mode' | 'destination';

/** How a build differs from what was taken in. Paths are those in the build, "." its own folder; sorted. */
export interface BuildDifferences {
  changed: { path: string; what: Difference[] }[];
  missing: string[];
  /** by no means always bad: a service may write below its working directory */
  added: string[];
  /** files that were compared byte by byte */
  files: number;
}

const readBytes = 256 * 1024;

/**
 * Compares a build with the list that `cutover add` made of it, to the last byte.
 * @param build the build's directory
 * @param sharing links to what all builds share are ours, and nothing new; null: there are none
 * @throws `no_build` for a build without a list, or with a damaged one; `permission`; the signal's reason when aborted
 */
export async function compareBuild(
  build: string,
  signal: AbortSignal,
  sharing: Sharing | null = null,
): Promise<BuildDifferences> {
  const manifest = await readManifest(build);
  if (!manifest?.contentsSha256) throw withoutList(manifest);
  const list = await readContents(build);
  if (list === null) throw new CutoverError('no_build', `has no ${contentsName} any more: it was removed`, { mend });
  const contents = parseContents(list);
  const tree = await readTree(build, { signal });
  for (const name of [manifestName, contentsName]) tree.delete(name);
  const found: BuildDifferences = { changed: [], missing: [], added: [], files: 0 };
  if (digestOf(list) !== manifest.contentsSha256) found.changed.push({ path: contentsName, what: ['content'] });
  const reader = new FileReader(signal);
  for (const [path, item] of contents) {
    const entry = tree.get(path);
    if (!entry) found.missing.push(path);
    else await compareOne(build, { path, item, entry, found, reader });
  }
  const added = [...tree].filter(([path, { to }]) => !contents.has(path) && !(sharing && isShared(path, to, sharing)));
  found.added = added.map(([path]) => path).toSorted();
  return found;
}

const mend = 'take the build in again with cutover add';

function withoutList(manifest: Manifest | null): CutoverError {
  const what = manifest ? 'has a manifest without a list of its files' : `has no manifest (${manifestName})`;
  return new CutoverError(
    'no_build',
    `${what}: it was not taken in by cutover add, so there is nothing to compare with`,
    {
      mend,
    },
  );
}

async function compareOne(
  build: string,
  {
    path,
    item,
    entry,
    found,
    reader,
  }: {
    path: string;
    item: Item;
    entry: TreeEntry;
    found: BuildDifferences;
    reader: FileReader;
  },
): Promise<void> {
  const what = differences(item, entry);
  if (item.kind === 'file' && entry.kind === 'file') {
    found.files += 1;
    const sha256 = entry.size === item.size ? await reader.digestOf(join(build, path)) : null;
    if (sha256 !== item.sha256) what.unshift('content');
  }
  if (what.length > 0) found.changed.push({ path: path || '.', what });
}

function differences(item: Item, entry: TreeEntry): Difference[] {
  if (item.kind !== entry.kind) return ['kind'];
  if (item.kind === 'link') return item.to === entry.to ? [] : ['destination'];
  return item.mode === entry.mode ? [] : ['mode'];
}

/** Opens, reads and closes as the kernel does, without a thread for each call: a build may have a hundred thousand files. */
class FileReader {
  private readonly buffer = Buffer.allocUnsafeSlow(readBytes);
  private readonly breath: Breath;

  constructor(signal: AbortSignal) {
    this.breath = new Breath(signal);
  }

  /** @returns null for a file that is gone, or has become something else, meanwhile */
  async digestOf(path: string): Promise<string | null> {
    const file = this.open(path);
    if (file === null) return null;
    try {
      const hash = createHash('sha256');
      for (;;) {
        if (this.breath.isDue()) await this.breath.take();
        const bytes = readSync(file, this.buffer);
        if (bytes === 0) return hash.digest('hex');
        hash.update(this.buffer.subarray(0, bytes));
      }
    } finally {
      closeSync(file);
    }
  }

  private open(path: string): number | null {
    try {
      return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return null;
      throw fileError(error, 'cannot read', path);
    }
  }
}
