import { openController, sleep } from '../base/wait.ts';
import { areAccepting, type ListeningWatch, listeningWatch } from '../systemd/listening.ts';
import { type Opened, tablesEvery } from './ports.ts';

/** Measures how long nobody accepts on the ports. */
export interface DowntimeMeter {
  /** Finds out who has the ports open now, so that the first look after the start costs nothing while they close. */
  prepare(): void;
  start(): void;
  /** what its looks see, of which there is one each 3 ms, and fewer while nothing changes for long; true before the start */
  opened: Opened;
  /** Ends the measuring. @returns milliseconds; null where there is no port to look at, a look failed, or nobody knows since when it was closed */
  stop(): Promise<number | null>;
}

const lookEveryMs = 3;
/** The check `port` has read the kernel's tables just before. */
const preparedMs = 100;
/** What may be missed otherwise: a new build that listens on another address, an old one that keeps a socket it shut down. */
const wholeLookEveryMs = 150;
/** A look that costs more, on a machine with many connections, takes no more than this share of a processor. */
const share = 1 / 4;
/** What looks dear may only have waited for its turn on a busy machine; a longer pause would miss a port that closes and opens. */
const longestPauseMs = 20;
/** Of the time since the ports closed or opened a pause is at most this share: a service that starts for long needs the processor itself. */
const longShare = 1 / 100;

/**
 * A meter over the kernel's listening sockets: while there is one, the kernel accepts. To a service that is up, a look
 * costs nothing, where trial connections would be requests to it.
 * @param holders the processes that may have the ports open: to know them makes a look cheaper
 * @param closedSince when they closed (`performance.now()`, or infinity: not before the start), should the first look find them so; null: not known
 */
export function downtimeMeter(
  ports: readonly number[],
  holders: () => Promise<number[]>,
  closedSince: Promise<number | null> = Promise.resolve(Number.POSITIVE_INFINITY),
): DowntimeMeter {
  const ended = openController();
  const state: State = { isOpen: true, tell: () => {} };
  const watch = listeningWatch(ports, holders);
  let measuring: Promise<number | null> | undefined;
  return {
    prepare() {
      if (ports.length > 0) watch.look({ maxAgeMs: preparedMs }).catch(() => {});
    },
    start() {
      if (ports.length > 0) measuring ??= measure({ ports, watch, closedSince }, state, ended.signal).catch(() => null);
    },
    opened: openedBy(state),
    async stop() {
      ended.abort();
      const total = measuring ? await measuring : null;
      return total === null ? null : Math.round(total);
    },
  };
}

function openedBy(state: State): Opened {
  return async (withinMs, signal) => {
    if (state.isOpen) return true;
    const told = openController();
    state.tell = () => told.abort();
    await sleep(withinMs, AbortSignal.any([signal, told.signal])).catch(() => {});
    signal.throwIfAborted();
    return state.isOpen;
  };
}

async function measure(
  { ports, watch, closedSince }: Measured,
  state: State,
  ended: AbortSignal,
): Promise<number | null> {
  const sum = new Sum();
  let wholeMs = performance.now();
  for (let isFirst = true; !ended.aborted; isFirst = false) {
    const before = performance.now();
    const isWhole = before - wholeMs >= tablesEvery(wholeLookEveryMs, sum.unchangedMs(before));
    if (isWhole) wholeMs = before;
    // A closed port is asked by a connection: the tables have to be read to their end for a no.
    const isAsked = sum.isDown && !isWhole;
    const maxAgeMs = before - (sum.openedMs ?? before);
    state.isOpen = await (isAsked ? areAccepting(ports, watch.addresses) : watch.look({ isWhole, maxAgeMs }));
    if (isFirst && !state.isOpen) {
      // What was found out beforehand may be long ago, as before a backup.
      state.isOpen = await watch.look({ isWhole: true });
      if (!state.isOpen) sum.beginClosed(await closedSince);
    }
    sum.add(state.isOpen, before);
    if (state.isOpen) state.tell();
    // What a whole look costs says nothing of the next.
    const costMs = isWhole ? 0 : performance.now() - before;
    await sleep(pauseAfter(costMs, sum.unchangedMs(before)), ended).catch(() => {});
  }
  return sum.end();
}

/**
 * How long until the next look: nobody who waits for half a minute needs to know it to 3 ms.
 * @param costMs of the look before
 * @param unchangedMs since the ports closed or opened; 0 before they did, as a short gap between two builds would be missed
 * @returns milliseconds
 */
export function pauseAfter(costMs: number, unchangedMs: number): number {
  return Math.max(lookEveryMs, Math.min(longestPauseMs, Math.max(costMs / share, unchangedMs * longShare)));
}

/** From the last look that saw the ports open to the first that sees them open again: never less than the truth. */
class Sum {
  /** when the last look began that saw them open again; what was read of the kernel's tables since tells who has them */
  openedMs: number | null = null;
  /** when the last look began that found them otherwise than the look before */
  #changedMs: number | null = null;
  #total = 0;
  #isKnown = true;
  #lastUp = performance.now();
  #downSince: number | null = null;

  get isDown(): boolean {
    return this.#downSince !== null;
  }

  /** since the ports closed or opened; 0 before they did */
  unchangedMs(nowMs: number): number {
    return this.#changedMs === null ? 0 : nowMs - this.#changedMs;
  }

  /** @param sinceMs when they closed; null: nobody knows */
  beginClosed(sinceMs: number | null): void {
    this.#isKnown = sinceMs !== null;
    this.#lastUp = Math.min(sinceMs ?? this.#lastUp, this.#lastUp);
  }

  /** @param beganMs when the look began */
  add(isOpen: boolean, beganMs: number): void {
    this.openedMs = isOpen && this.isDown ? beganMs : null;
    if (isOpen === this.isDown) this.#changedMs = beganMs;
    if (!isOpen) {
      this.#downSince ??= this.#lastUp;
      return;
    }
    this.#close();
    this.#lastUp = beganMs;
  }

  end(): number | null {
    this.#close();
    return this.#isKnown ? this.#total : null;
  }

  #close(): void {
    if (this.#downSince !== null) this.#total += performance.now() - this.#downSince;
    this.#downSince = null;
  }
}

interface State {
  /** at the last look; true before the first */
  isOpen: boolean;
  /** who waits for them to open */
  tell: () => void;
}

interface Measured {
  ports: readonly number[];
  watch: ListeningWatch;
  closedSince: Promise<number | null>;
}
