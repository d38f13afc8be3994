import type { ChildProcess } from 'node:child_process';

/** What was printed before the end is there by then. */
const outputMs = 500;

/**
 * Lets go of the output of a process that has ended. What it had started may hold that open for good: nobody waits for it beyond
 * the deadline, nor once the process was killed.
 * @param deadlineMs `performance.now()`
 */
export function letGoAfterwards(child: ChildProcess, deadlineMs: number): void {
  child.once('exit', () => {
    const restMs = child.killed ? outputMs : Math.max(outputMs, deadlineMs - performance.now());
    const letGo = (): void => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    // Where this process stood still, what was printed in time is not read yet: Node looks at timers first.
    const timer = setTimeout(() => setImmediate(letGo), restMs);
    child.once('close', () => clearTimeout(timer));
  });
}
