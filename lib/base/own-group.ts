import type { ChildProcess } from 'node:child_process';

/**
 * Kills a process, and all that it has started where it leads a group of its own (`detached`).
 * @returns false when it has ended already: its number may be another's by then, and nothing is done
 */
export function killGroup(child: ChildProcess): boolean {
  if (!child.kill('SIGKILL')) return false;
  try {
    // Nobody has its number before the event loop comes round and takes note of its end.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It leads no group, or its group is not ours to end.
  }
  return true;
}

/** @returns what ends this: an abort does nothing to the process any more */
export function killOnAbort(child: ChildProcess, signal: AbortSignal | undefined): () => void {
  const kill = (): boolean => killGroup(child);
  signal?.addEventListener('abort', kill, { once: true });
  if (signal?.aborted) kill();
  return () => signal?.removeEventListener('abort', kill);
}
