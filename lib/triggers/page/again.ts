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
