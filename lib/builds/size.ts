import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileError } from '../base/errors.ts';

/** The thread pool has four threads; more at once only takes memory. */
const askedAtOnce = 8;
/** What `st_blocks` counts in, whatever the file system's own block is (stat(3type)). */
const blockBytes = 512;

/**
 * The bytes that a tree takes on the disk, as `du` counts them: a file with several names once, links as themselves.
 * What vanishes meanwhile counts nothing.
 * @throws `permission`; the signal's reason when aborted
 */
export async function sizeOf(path: string, signal?: AbortSignal): Promise<number> {
  const seen = new Set<string>();
  const waiting = [path];
  let total = 0;
  while (waiting.length > 0) {
    signal?.throwIfAborted();
    const some = waiting.splice(-askedAtOnce);
    for (const entry of await Promise.all(some.map(lookAt))) {
      if (!entry || seen.has(entry.key)) continue;
      if (entry.isShared) seen.add(entry.key);
      total += entry.bytes;
      for (const name of entry.names) waiting.push(name);
    }
  }
  return total;
}

interface Entry {
  /** tells one file from all others, whatever its name */
  key: string;
  isShared: boolean;
  bytes: number;
  names: string[];
}

async function lookAt(path: string): Promise<Entry | null> {
  try {
    const facts = await lstat(path, { bigint: true });
    const isDirectory = facts.isDirectory();
    return {
      key: `${facts.dev}:${facts.ino}`,
      isShared: !isDirectory && facts.nlink > 1n,
      bytes: Number(facts.blocks) * blockBytes,
      names: isDirectory ? (await readdir(path)).map((name) => join(path, name)) : [],
    };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw fileError(error, 'cannot read', path);
  }
}
