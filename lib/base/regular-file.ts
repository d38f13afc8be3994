import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Opens a file that somebody else named, to be read. A named pipe would keep the opening waiting for a writer, on a thread that
 * nothing can end: not even the process's own end, which waits for it.
 * @throws the errno of what cannot be opened; an error that says so of what is no regular file
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no regular file`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The whole text of such a file. @throws as `openRegularFile` */
export async function readRegularFile(path: string): Promise<string> {
  const file = await openRegularFile(path);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
