import { isCutoverError } from '../base/errors.ts';
import { sleep } from '../base/wait.ts';
import type { ManagerKind } from '../config/model.ts';
import { type Bus, type BusCall, connectBus } from './bus.ts';
import { manager } from './names.ts';

/** A connection to a manager that is made anew when the bus goes away and comes back. */
export interface Connection {
  readonly kind: ManagerKind;
  /** the bus as it is now; waits while it comes back */
  bus(): Promise<Bus>;
  call(call: BusCall): Promise<unknown[]>;
  /** Does work, and once more when the bus went away in the middle of it: only for what may be done twice. */
  again<T>(work: () => Promise<T>): Promise<T>;
  readonly isClosed: boolean;
  close(): void;
}

/** How long a bus that went away may take to come back before what needs it fails; after that, nobody waits again. */
const reconnectMs = 10_000;
const retryMs = 100;

/**
 * Connects to the bus and subscribes to the manager's signals, while whoever asks for it goes on with other things: what
 * needs the bus first waits for it, and throws `systemd_unavailable` when there is none.
 */
export function openConnection(kind: ManagerKind): Connection {
  return new Renewed(kind);
}

class Renewed implements Connection {
  readonly kind: ManagerKind;
  isClosed = false;
  readonly #first: Promise<Bus>;
  #latest: Bus | undefined;
  #reconnecting: Promise<Bus> | undefined;
  #lostAt: number | undefined;

  constructor(kind: ManagerKind) {
    this.kind = kind;
    this.#first = connectAndSubscribe(kind);
    // Whoever needs the bus is told.
    this.#first.catch(() => {});
  }

  async bus(): Promise<Bus> {
    this.#latest ??= await this.#first;
    if (!this.#latest.lost.aborted || this.isClosed) return this.#latest;
    this.#lostAt ??= performance.now();
    this.#reconnecting ??= reconnect(this.kind, this.#lostAt + reconnectMs).finally(() => {
      this.#reconnecting = undefined;
    });
    this.#latest = await this.#reconnecting;
    this.#lostAt = undefined;
    return this.#latest;
  }

  call(call: BusCall): Promise<unknown[]> {
    return this.again(async () => (await this.bus()).call(call));
  }

  again<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error: unknown) => {
      if (this.isClosed || !isCutoverError(error, 'bus_lost')) throw error;
      return work();
    });
  }

  close(): void {
    this.isClosed = true;
    this.#first.then(
      (first) => (this.#latest ?? first).close(),
      () => {},
    );
  }
}

async function reconnect(kind: ManagerKind, until: number): Promise<Bus> {
  for (;;) {
    try {
      return await connectAndSubscribe(kind);
    } catch (error) {
      if (performance.now() > until || !isCutoverError(error)) throw error;
      await sleep(retryMs);
    }
  }
}

/** Subscribes before anything is asked: a job may end before the reply that names it. */
async function connectAndSubscribe(kind: ManagerKind): Promise<Bus> {
  const bus = await connectBus(kind);
  const { destination, interface: managerInterface } = manager;
  await Promise.all([
    bus.addMatch(`type='signal',sender='${destination}',interface='${managerInterface}',member='JobRemoved'`),
    bus.call({ ...manager, member: 'Subscribe' }),
  ]);
  return bus;
}
