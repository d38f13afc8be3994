import { exec } from '../base/exec.ts';

const timeoutMs = 5_000;

/**
 * Tells the service manager that this process's service has started (sd_notify(3), `READY=1`). Node cannot write to a
 * datagram socket, so systemd-notify(1) does; the unit needs `NotifyAccess=all`. Without a manager that asks, nothing happens.
 */
export async function tellReady({ NOTIFY_SOCKET }: NodeJS.ProcessEnv): Promise<void> {
  if (NOTIFY_SOCKET) await exec(['systemd-notify', '--ready'], { timeoutMs, env: { NOTIFY_SOCKET } });
}
