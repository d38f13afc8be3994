import { isThere } from '../../base/files.ts';
import type { Config } from '../../config/model.ts';
import { type Lock, takeLock } from '../../run/lock.ts';
import { pathsOf } from '../place.ts';
import { notQueued } from './not-queued.ts';

/**
 * Does work while no run of a configuration goes on, and none can begin: what a run needs is not taken from it in the middle.
 * @param config null: it is not known, nor what could be at work for it
 * @throws `locked`, naming the holder
 */
export async function whileIdle<T>(
  config: Config | null,
  { doing, signal }: { doing: string; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const locks: Lock[] = [];
  try {
    for (const target of Object.values(config?.targets ?? {})) {
      const paths = pathsOf(config as Config, target);
      // Where nothing was ever deployed nobody is at work, and no directory is made for it.
      if (!(await isThere(paths.directory))) continue;
      locks.push(await notQueued(() => takeLock(paths, { doing, waitMs: 0, signal, onWaiting: () => {} })));
    }
    return await work();
  } finally {
    for (const lock of locks) await lock.release();
  }
}
