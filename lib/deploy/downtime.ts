import { openController, sleep } from '../base/wait.ts';
import { isAccepting } from '../systemd/accepts.ts';
import { type Listener, listListeners } from '../systemd/sockets.ts';

/** Measures how long nobody accepts on the ports. */
export interface DowntimeMeter {
  start(): void;
  /** Ends the measuring. @returns milliseconds; null where there is no port to look at */
  stop(): Promise<number | null>;
}

const lookEveryMs = 2;
/** After the port came back, only a crash would close it again, and the gate sees that first. */
const calmEveryMs = 50;

/**
 * A meter over the kernel's table of listening sockets: while a port stands there, the kernel accepts. To a service
 * that is up, a look costs nothing, where trial connections would be requests to it.
 */
export function downtimeMeter(ports: readonly number[]): DowntimeMeter {
  const ended = openController();
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

/** From the last look that saw the ports open to the first that sees them open again: never less than the truth. */
async function measure(ports: readonly number[], ended: AbortSignal): Promise<number> {
  let total = 0;
  let lastUp = performance.now();
  let downSince: number | null = null;
  let listeners: Listener[] = [];
  while (!ended.aborted) {
    const before = performance.now();
    const seen = downSince === null ? await listListeners(ports) : [];
    const isOpen = downSince === null ? hasAll(ports, seen) : await isOpenAgain(ports, listeners);
    const now = performance.now();
    if (!isOpen) downSince ??= lastUp;
    else {
      if (downSince !== null) total += now - downSince;
      else listeners = seen;
      [downSince, lastUp] = [null, before];
    }
    const restMs = isOpen && total > 0 ? calmEveryMs : lookEveryMs;
    await sleep(Math.max(restMs, now - before), ended).catch(() => {});
  }
  return downSince === null ? total : total + performance.now() - downSince;
}

function hasAll(ports: readonly number[], listeners: readonly Listener[]): boolean {
  return ports.every((wanted) => listeners.some(({ port }) => port === wanted));
}

/** A closed port is asked by a connection, which is cheaper; the first one that is taken ends the asking. */
async function isOpenAgain(ports: readonly number[], listeners: readonly Listener[]): Promise<boolean> {
  const ask = (wanted: number): Promise<boolean> => {
    const addresses = listeners.filter(({ port }) => port === wanted).map(({ address }) => address);
    return isAccepting(wanted, addresses);
  };
  return (await Promise.all(ports.map(ask))).every(Boolean);
}
