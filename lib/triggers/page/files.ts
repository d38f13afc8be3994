import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import type { Disks } from './disks.ts';

/** What cannot be watched is looked at so often, and tried again. */
const againMs = 2_000;

/**
 * Tells whenever something in one of the directories changes, until the signal is aborted. A directory that is not there yet,
 * that does not answer, or that the kernel has no more watches for, counts as changed every two seconds.
 */
export function watchDirectories(
  directories: readonly string[],
  { signal, disks }: { signal: AbortSignal; disks: Disks },
  onChange: () => void,
): void {
  const { isWatched, watchNow, drop } = watchersOf(onChange);
  const add = (directory: string): void => {
    const begin = (): void => void (signal.aborted || isWatched(directory) || watchNow(directory));
    // Node begins to watch at once, and would stand still on a file system that hangs.
    void disks.verifyAnswer(directory).then(begin, () => {});
  };
  for (const directory of directories) add(directory);
  const timer = setInterval(() => {
    const missing = directories.filter((directory) => !isWatched(directory));
    for (const directory of missing) add(directory);
    if (missing.length > 0) onChange();
  }, againMs);
  timer.unref();
  const end = (): void => {
    clearInterval(timer);
    for (const directory of directories) drop(directory);
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
}

/** The kernel's watches, one for each directory that can be watched now. */
function watchersOf(onChange: () => void): {
  isWatched: (directory: string) => boolean;
  watchNow: (directory: string) => void;
  drop: (directory: string) => void;
} {
  const watchers = new Map<string, FSWatcher>();
  const drop = (directory: string): void => {
    watchers.get(directory)?.close();
    watchers.delete(directory);
  };
  const watchNow = (directory: string): void => {
    try {
      const watcher = watch(directory, { persistent: false }, (type, name) => {
        // One that was removed is watched no more; made anew it is another one.
        if (type === 'rename' && name === basename(directory)) drop(directory);
        onChange();
      });
      watchers.set(directory, watcher);
      watcher.on('error', () => drop(directory));
      // It may have changed before.
      onChange();
    } catch {
      // It is tried again.
    }
  };
  return { isWatched: (directory) => watchers.has(directory), watchNow, drop };
}
