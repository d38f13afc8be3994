import { writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError } from './errors.ts';
import { privateFile, syncDirectory } from './files.ts';

/** A file that only grows. */
export interface AppendFile {
  readonly path: string;
  /** Adds text; with `sync` it returns once the text is on the disk. */
  append(text: string, options?: { sync?: boolean }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file for appending, creates it with mode 0600, and makes its name durable.
 * @throws `permission`, `disk`
 */
export async function openAppend(path: string, mode = privateFile): Promise<AppendFile> {
  const wrap = (error: unknown): never => {
    throw fileError(error, 'cannot write', path);
  };
  const file: FileHandle = await open(path, 'a', mode).catch(wrap);
  await syncDirectory(dirname(path)).catch(wrap);
  return {
    path,
    async append(text, { sync = false } = {}) {
      // Into the kernel's memory, and at once: a turn in the thread pool takes a hundred times as long, while a service may be down.
      try {
        writeFileSync(file.fd, text);
      } catch (error) {
        wrap(error);
      }
      if (sync) await file.datasync().catch(wrap);
    },
    close: () => file.close(),
  };
}
