import { setImmediate } from 'node:timers/promises';

/** So long at most Ctrl-C is not heard. */
const usualMs = 50;

/** For work that waits for nothing by itself: now and then it has to let signals and timers through. */
export class Breath {
  private takenAt = performance.now();
  private readonly signal: AbortSignal;
  private readonly everyMs: number;

  constructor(signal: AbortSignal, everyMs = usualMs) {
    this.signal = signal;
    this.everyMs = everyMs;
  }

  isDue(): boolean {
    return performance.now() - this.takenAt >= this.everyMs;
  }

  /** @throws the signal's reason */
  async take(): Promise<void> {
    await setImmediate();
    this.signal.throwIfAborted();
    this.takenAt = performance.now();
  }
}
