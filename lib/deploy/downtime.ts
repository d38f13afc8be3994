import { openController, sleep } from '../base/wait.ts';
import { isAccepting } from '../systemd/accepts.ts';
import { listeningWatch } from '../systemd/listening.ts';
import { listListeners } from '../systemd/sockets.ts';

/** Measures how long nobody accepts on the ports. */
export interface DowntimeMeter {
  start(): void;
  /** whether the ports were all open at the last look, some 3 ms ago; true before the start */
  isOpen: () => boolean;
  /** Ends the measuring. @returns milliseconds; null where there is no port to look at */
  stop(): Promise<number | null>;
}

const lookEveryMs = 3;
/** Where the service listened before counts as well as the loopback: it may be bound to one address alone. */
type Addresses = Map<number, string[]>;

/**
 * A meter over the kernel's table of listening sockets: while a port stands there, the kernel accepts. To a service
 * that is up, a look costs nothing, where trial connections would be requests to it.
 */
export function downtimeMeter(ports: readonly number[]): DowntimeMeter {
  const ended = openController();
  const state = { isOpen: true };
  let measuring: Promise<number> | undefined;
  return {
    start() {
      if (ports.length > 0) measuring ??= measure(ports, state, ended.signal);
    },
    isOpen: () => state.isOpen,
    async stop() {
      ended.abort();
      return measuring ? Math.round(await measuring) : null;
    },
  };
}

/** From the last look that saw the ports open to the first that sees them open again: never less than the truth. */
async function measure(ports: readonly number[], state: { isOpen: boolean }, ended: AbortSignal): Promise<number> {
  let total = 0;
  let lastUp = performance.now();
  const areListening = listeningWatch(ports);
  const addresses = await addressesOf(ports);
  let downSince: number | null = null;
  for (let look = 0; !ended.aborted; look += 1) {
    const before = performance.now();
    // Now and then the table, in case the new build listens on another address.
    const isTable = downSince === null || look % 50 === 0;
    state.isOpen = isTable ? await areListening() : await isOpenAgain(ports, addresses);
    const now = performance.now();
    if (!state.isOpen) downSince ??= lastUp;
    else {
      if (downSince !== null) total += now - downSince;
      [downSince, lastUp] = [null, before];
    }
    await sleep(Math.max(lookEveryMs, now - before), ended).catch(() => {});
  }
  return downSince === null ? total : total + performance.now() - downSince;
}

async function addressesOf(ports: readonly number[]): Promise<Addresses> {
  const listeners = await listListeners(ports);
  const of = (wanted: number): string[] =>
    listeners.filter(({ port }) => port === wanted).map(({ address }) => address);
  return new Map(ports.map((port) => [port, of(port)]));
}

/** A closed port is asked by a connection: the table has to be read to its end for a no. */
async function isOpenAgain(ports: readonly number[], addresses: Addresses): Promise<boolean> {
  return (await Promise.all(ports.map((port) => isAccepting(port, addresses.get(port))))).every(Boolean);
}
