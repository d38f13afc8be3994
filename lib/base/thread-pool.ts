import { stat } from 'node:fs';

const everyMs = 1_000;
/** As many as Node has threads: where all of them hang at a disk that does not answer, more help nobody. */
const mostWaiting = 4;

/**
 * Sees to it that no work lies in Node's thread pool (files, names of hosts) with all of its threads asleep. glibc up to 2.40 may lose
 * the one signal that wakes a thread for it (sourceware.org, bug 25847: pthread_cond_signal), and whoever waits for that work
 * would wait for ever. Any other work wakes a thread, and that takes both: so one of no account is given now and then. Keeps no process alive.
 */
export function keepThreadPoolAwake(): void {
  let waiting = 0;
  const give = (): void => {
    if (waiting === mostWaiting) return;
    waiting += 1;
    stat('/', () => (waiting -= 1));
  };
  setInterval(give, everyMs).unref();
}
