import { setMaxListeners } from 'node:events';
import { CutoverError } from './errors.ts';

/** A timer of Node fires at once when it is set for longer than 2^31 - 1 ms. */
export const longestWaitMs = 24 * 24 * 3600 * 1000;

/** A controller whose signal many may wait for at once; Node warns at the eleventh otherwise. */
export function openController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Sleeps; an aborted signal ends it at once with the signal's reason. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
    function end(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
  });
}

/** Does work so long after the last time that it was asked to; a process does not stay for it. */
export function delayed(work: () => void): (afterMs: number) => void {
  let timer: NodeJS.Timeout | undefined;
  return (afterMs) => {
    clearTimeout(timer);
    timer = setTimeout(work, afterMs).unref();
  };
}

/**
 * Aborted after so long, for a wait that nobody ends before. What came in time and was not read yet, since this process stood
 * still, is read first: Node looks at its timers before it looks at its sockets.
 */
export function deadlineSignal(timeoutMs: number): AbortSignal {
  const ended = openController();
  setTimeout(() => setImmediate(() => ended.abort()), timeoutMs).unref();
  return ended.signal;
}

interface Deadline {
  what: string;
  timeoutMs: number;
  spentMs?: number;
  signal?: AbortSignal;
  mend?: string;
}

/**
 * Gives what `work` gives, or throws `timeout` after `timeoutMs`. The signal that `work` receives
 * is aborted at the deadline and when the caller's own signal is: whoever waits can be ended. What came in time counts, as
 * with `deadlineSignal`.
 * @param what the end of the sentence "… did not come within 5 s"
 * @param spentMs so much of the time is gone already
 */
export async function withDeadline<T>(
  { what, timeoutMs, spentMs = 0, signal, mend }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = openController();
  const late = new CutoverError('timeout', `${what} within ${timeoutMs / 1000} s`, { mend });
  const timer = setTimeout(() => setImmediate(() => ended.abort(late)), Math.max(0, timeoutMs - spentMs));
  const passOn = (): void => ended.abort(signal?.reason);
  signal?.addEventListener('abort', passOn, { once: true });
  if (signal?.aborted) passOn();
  try {
    return await Promise.race([work(ended.signal), rejectionOf(ended.signal)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', passOn);
    // Whatever still waits inside `work` lost the race: let it go.
    ended.abort(late);
  }
}

/**
 * The same for an answer that cannot be called off, and for which no signal need be made: whoever gives it is told nothing.
 * @param what the end of the sentence "… did not come within 5 s"
 */
export async function answerWithin<T>(
  { what, timeoutMs, signal }: { what: string; timeoutMs: number; signal: AbortSignal },
  ask: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const late = (): void => fail(new CutoverError('timeout', `${what} within ${timeoutMs / 1000} s`));
    const timer = setTimeout(() => setImmediate(late), timeoutMs);
    const leave = (): void => fail(signal.reason);
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    };
    const fail = (reason: unknown): void => {
      end();
      reject(reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    ask().then((answer) => {
      end();
      resolve(answer);
    }, fail);
  });
}

/** Resolves once all has been read that lay in this process' sockets before: at its second turn Node has looked at them again. */
export async function untilAllIsRead(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
}

/** Never resolves; rejects with the reason once the signal is aborted. */
export function rejectionOf(signal: AbortSignal): Promise<never> {
  const rejection = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // A race may be over before this one loses it.
  rejection.catch(() => {});
  return rejection;
}

/**
 * Asks again and again until the answer is not undefined. For facts that no signal announces
 * (the kernel's socket table); where systemd sends a signal, wait for that.
 */
export async function poll<T>(
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
  ask: () => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const began = performance.now();
    const answer = await ask();
    if (answer !== undefined) return answer;
    // A slow answer means a large table: never spend more than half of the time on asking.
    await sleep(Math.max(everyMs, performance.now() - began), signal);
  }
}
