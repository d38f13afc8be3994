import { sleep } from '../base/wait.ts';
import { listListeners } from '../systemd/sockets.ts';

/** Measures how long nobody accepts on the ports. */
export interface DowntimeMeter {
  start(): void;
  /** Ends the measuring. @returns milliseconds; null where there is no port to look at */
  stop(): Promise<number | null>;
}

const lookEveryMs = 2;

/**
 * A meter over the kernel's table of listening sockets: from a port's disappearance the kernel refuses, from its
 * reappearance it accepts. Looking costs the service nothing, where trial connections would be requests to it.
 */
export function downtimeMeter(ports: readonly number[]): DowntimeMeter {
  const ended = new AbortController();
  let measuring: Promise<number> | undefined;
  return {
    start() {
      if (ports.length > 0) measuring ??= measure(ports, ended.signal);
    },
    async stop() {
      ended.abort();
      return measuring ? Math.round(await measuring) : null;
    },
  };
}

async function measure(ports: readonly number[], ended: AbortSignal): Promise<number> {
  let total = 0;
  let downSince: number | null = null;
  while (!ended.aborted) {
    const before = performance.now();
    const open = new Set((await listListeners([...ports])).map(({ port }) => port));
    const now = performance.now();
    const isUp = ports.every((port) => open.has(port));
    if (!isUp) downSince ??= now;
    else if (downSince !== null) {
      total += now - downSince;
      downSince = null;
    }
    await sleep(Math.max(lookEveryMs, (now - before) * 4), ended).catch(() => {});
  }
  return downSince === null ? total : total + performance.now() - downSince;
}
