import { openController, sleep } from '../base/wait.ts';
import { isAccepting } from '../systemd/accepts.ts';
import { type ListeningWatch, listeningWatch } from '../systemd/listening.ts';

/** Measures how long nobody accepts on the ports. */
export interface DowntimeMeter {
  start(): void;
  /** whether the ports were all open at the last look, some 3 ms ago; true before the start */
  isOpen: () => boolean;
  /** Ends the measuring. @returns milliseconds; null where there is no port to look at, a look failed, or nobody knows since when it was closed */
  stop(): Promise<number | null>;
}

const lookEveryMs = 3;
/** What may be missed otherwise: a new build that listens on another address, an old one that keeps a socket it shut down. */
const wholeLookEvery = 50;
/** A look that costs more, on a machine with many connections, takes no more than this share of a processor. */
const share = 1 / 4;
/** What looks dear may only have waited for its turn on a busy machine; a longer pause would miss a port that closes and opens. */
const longestPauseMs = 20;

/**
 * A meter over the kernel's listening sockets: while there is one, the kernel accepts. To a service that is up, a look
 * costs nothing, where trial connections would be requests to it.
 * @param holders the processes that may have the ports open: to know them makes a look cheaper
 * @param closedBefore for how many milliseconds they had been closed before the start, should the first look find them so
 */
export function downtimeMeter(
  ports: readonly number[],
  holders: () => Promise<number[]>,
  closedBefore: Promise<number | null> = Promise.resolve(0),
): DowntimeMeter {
  const ended = openController();
  const state = { isOpen: true };
  const watch = listeningWatch(ports, holders);
  let measuring: Promise<number | null> | undefined;
  return {
    start() {
      if (ports.length > 0)
        measuring ??= measure({ ports, watch, closedBefore }, state, ended.signal).catch(() => null);
    },
    isOpen: () => state.isOpen,
    async stop() {
      ended.abort();
      const total = measuring ? await measuring : null;
      return total === null ? null : Math.round(total);
    },
  };
}

/** From the last look that saw the ports open to the first that sees them open again: never less than the truth. */
async function measure(
  { ports, watch, closedBefore }: Measured,
  state: { isOpen: boolean },
  ended: AbortSignal,
): Promise<number | null> {
  let [total, earlier]: [number, number | null] = [0, 0];
  let lastUp = performance.now();
  let downSince: number | null = null;
  for (let look = 0; !ended.aborted; look += 1) {
    const before = performance.now();
    const isWhole = look % wholeLookEvery === 0;
    state.isOpen = await (isWhole || downSince === null ? watch.look({ isWhole }) : isOpenAgain(ports, watch));
    if (look === 0 && !state.isOpen) earlier = await closedBefore;
    const now = performance.now();
    if (!state.isOpen) downSince ??= lastUp;
    else {
      if (downSince !== null) total += now - downSince;
      [downSince, lastUp] = [null, before];
    }
    await sleep(Math.max(lookEveryMs, Math.min(longestPauseMs, (now - before) / share)), ended).catch(() => {});
  }
  if (downSince !== null) total += performance.now() - downSince;
  return earlier === null ? null : earlier + total;
}

interface Measured {
  ports: readonly number[];
  watch: ListeningWatch;
  closedBefore: Promise<number | null>;
}

/**
 * A closed port is asked by a connection: the tables have to be read to their end for a no. Where the service listened
 * before counts as well as the loopback: it may be bound to one address alone.
 */
async function isOpenAgain(ports: readonly number[], { addresses }: ListeningWatch): Promise<boolean> {
  return (await Promise.all(ports.map((port) => isAccepting(port, addresses(port))))).every(Boolean);
}
