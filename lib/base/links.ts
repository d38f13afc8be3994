import { closeSync, fsyncSync, openSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileError } from './errors.ts';
import { absent, removeIfThere } from './files.ts';
import { temporaryBeside } from './temporary-name.ts';

// Nothing else is to be done while a link moves, and nobody serves: a thread of the pool that is woken while systemd is at work may
// wait for its turn for longer than the disk takes.

/**
 * Points a symbolic link at `destination`. rename(2) replaces the name in one step,
 * so a reader finds the old link or the new one and never none.
 * @throws `permission`, `disk`
 */
export async function replaceLink(path: string, destination: string): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    symlinkSync(destination, temporary);
    renameSync(temporary, path);
    syncDirectoryNow(dirname(path));
  } catch (error) {
    // What went wrong first is what the person has to mend.
    await removeIfThere(temporary).catch(() => {});
    throw fileError(error, 'cannot move the link', path);
  }
}

/** Where a link points, or null where there is none. A name that is no link throws EINVAL. */
export async function readLinkIfThere(path: string): Promise<string | null> {
  try {
    return readlinkSync(path);
  } catch (error) {
    return absent(error, 'cannot read', path);
  }
}

function syncDirectoryNow(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
