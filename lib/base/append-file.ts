import { closeSync, constants, fdatasync, openSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { fileError } from './errors.ts';
import { privateFile, syncDirectory } from './files.ts';

const toDisk = promisify(fdatasync);
/** A pipe that nobody reads is refused, and not waited for. */
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** A file that only grows. */
export interface AppendFile {
  readonly path: string;
  /** Adds text; with `sync` it returns once the text is on the disk, and with `soon` nobody waits for that. */
  append(text: string, options?: { sync?: boolean | 'soon' }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file for appending, and creates it with mode 0600. Its name is durable with the first text that is.
 * @throws `permission`, `disk`
 */
export async function openAppend(path: string, mode = privateFile): Promise<AppendFile> {
  const wrap = (error: unknown): never => {
    throw fileError(error, 'cannot write', path);
  };
  const file = nowOr(wrap, () => openSync(path, flags, mode));
  // Beside the first text's own sync the two take as long as one.
  let behind: Promise<unknown> = syncDirectory(dirname(path));
  behind.catch(() => {});
  let isOpen = true;
  const close = async (): Promise<void> => {
    await behind.catch(() => {});
    // A number that was given back may be another file's by now.
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  return {
    path,
    async append(text, { sync = false } = {}) {
      // Into the kernel's memory, and at once: a service may be down.
      nowOr(wrap, () => writeFileSync(isOpen ? file : -1, text));
      if (sync === false) return;
      // The kernel tells of a write that failed only once, so whoever waits next is told of what nobody waited for.
      behind = Promise.all([behind, toDisk(file)]);
      behind.catch(() => {});
      if (sync === true) await behind.catch(wrap);
    },
    close,
  };
}

function nowOr<T>(wrap: (error: unknown) => never, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return wrap(error);
  }
}
