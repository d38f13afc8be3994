import { sleep } from '../../base/wait.ts';
import type { PageModel } from '../../report/page/model.ts';
import type { Watching } from './watching.ts';

/** What one listener has not heard yet. */
export interface News {
  /** How it is at the beginning. */
  first(): Promise<PageModel>;
  /** The newest state as soon as it is another one than the last that was given; null when so long nothing changed. */
  next(timeoutMs: number, signal: AbortSignal): Promise<PageModel | null>;
  close(): void;
}

/** Begins to listen. @returns null when there are too many already */
export function openNews(watching: Watching): News | null {
  let isNew = false;
  let wake: (() => void) | null = null;
  const unsubscribe = watching.subscribe(() => {
    isNew = true;
    wake?.();
  });
  if (unsubscribe === null) return null;
  return {
    async first() {
      const model = await watching.now();
      isNew = false;
      return model;
    },
    async next(timeoutMs, signal) {
      if (!isNew) await quietOr((wakeUp) => (wake = wakeUp), { timeoutMs, signal });
      if (!isNew) return null;
      isNew = false;
      return watching.latest();
    },
    close: unsubscribe,
  };
}

/** Waits until it is woken, or so long. */
async function quietOr(
  listen: (wake: () => void) => void,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const waited = new AbortController();
  const woken = new Promise<void>((resolve) => listen(resolve));
  const silence = sleep(timeoutMs, AbortSignal.any([signal, waited.signal])).catch(() => {});
  await Promise.race([woken, silence]);
  waited.abort();
}
