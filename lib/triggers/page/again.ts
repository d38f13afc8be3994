import { withDeadline } from '../../base/wait.ts';

/**
 * Makes work that may be asked for at any time run one at a time: what is asked for meanwhile is done once more afterwards,
 * so that the last to ask sees what was so when they asked.
 */
export function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => {
    running = work().finally(() => (running = null));
    return running;
  };
  return () => {
    if (running === null) return begin();
    next ??= running
      .catch(() => {})
      .then(() => {
        next = null;
        return begin();
      });
    return next;
  };
}

/**
 * Makes work that may never end be waited for so long at most. It is not begun anew before it has ended: whoever asks
 * meanwhile gets what the first to ask gets, so that what hangs piles up nowhere.
 * @param bounds as of `withDeadline`
 * @returns what asks; it throws `timeout`, and the signal's reason
 */
export function patient<T>(
  bounds: { what: string; timeoutMs: number; signal: AbortSignal },
  work: () => Promise<T>,
): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => {
    answer ??= withDeadline(bounds, () => work().finally(() => (answer = null)));
    return answer;
  };
}

/** Calls at most once in so many ms, and then at their end. */
export function gathered(delayMs: number, call: () => void): () => void {
  let timer: NodeJS.Timeout | null = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      call();
    }, delayMs).unref();
  };
}
