import type { StartedProcess } from '../base/exec.ts';
import { duration } from '../report/words.ts';

export interface Deadline {
  attemptMs: number;
  /** how long it may go on once it was interrupted */
  windDownMs: number;
  whereItIs: () => Promise<{ words: string; isSettling: boolean }>;
}

/**
 * Interrupts an attempt that takes longer than all that is configured for it, and kills it where that helps nothing: systemd
 * then ends its run.
 * @returns what to tell of that, once it was; and what takes the deadline away
 */
export function boundAttempt(
  child: Pick<StartedProcess, 'kill'>,
  { attemptMs, windDownMs, whereItIs }: Deadline,
): { told: () => string | null; stop: () => void } {
  let told: string | null = null;
  let isOver = false;
  let timer = setTimeout(() => void interrupt(), attemptMs);
  async function interrupt(): Promise<void> {
    const { words, isSettling } = await whereItIs();
    if (isOver) return;
    if (isSettling) timer = setTimeout(() => void interrupt(), attemptMs);
    else {
      told = `the attempt was interrupted ${words}, since it was not over within ${duration(attemptMs)}`;
      child.kill('SIGTERM');
      timer = setTimeout(() => child.kill('SIGKILL'), windDownMs);
    }
  }
  return {
    told: () => told,
    stop: () => {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
