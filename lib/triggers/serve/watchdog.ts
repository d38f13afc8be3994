import { exec } from '../../base/exec.ts';

const timeoutMs = 5_000;

/**
 * Tells the service manager again and again that the receiver is not stuck (sd_notify(3), `WATCHDOG=1`), three times within
 * what it allows. Who hangs tells nothing, and is started anew.
 * @returns ends it
 */
export function feedWatchdog({ WATCHDOG_USEC, WATCHDOG_PID, NOTIFY_SOCKET }: NodeJS.ProcessEnv): () => void {
  const everyMs = Number(WATCHDOG_USEC) / 1000 / 3;
  const isOurs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  if (!NOTIFY_SOCKET || !(everyMs > 0) || !isOurs) return () => {};
  // One that fails says so by what follows: the manager hears nothing.
  const timer = setInterval(() => void exec(['systemd-notify', 'WATCHDOG=1'], { timeoutMs }).catch(() => {}), everyMs);
  return () => clearInterval(timer);
}
