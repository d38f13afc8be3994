import { readdir, readFile } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';

/**
 * Whether a process waits for connections on one of these sockets: it has an epoll set that watches it
 * (proc(5), `/proc/PID/fdinfo`, the lines `tfd: … ino:…`). So a service is seen to be ready that does not say so itself.
 * A program that calls accept(2) or select(2) without epoll is never seen.
 */
export async function isWaitingFor(inodes: ReadonlySet<string>, pids: readonly number[]): Promise<boolean> {
  const wanted = new Set([...inodes].map((inode) => Number(inode).toString(16)));
  for (const pid of pids) {
    const directory = `/proc/${pid}/fdinfo`;
    for (const descriptor of await orNothing(readdir(directory), [])) {
      const text = await orNothing(readFile(`${directory}/${descriptor}`, 'utf8'), '');
      for (const [, inode = ''] of text.matchAll(/^tfd:.* ino:([0-9a-f]+)/gm)) if (wanted.has(inode)) return true;
    }
  }
  return false;
}

/** The process ended, the descriptor was closed, or they are another user's. */
async function orNothing<T>(asked: Promise<T>, nothing: T): Promise<T> {
  return asked.catch((error: unknown) => {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return nothing;
    throw error;
  });
}
