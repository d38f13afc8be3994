import { isCutoverError } from '../base/errors.ts';
import { sleep } from '../base/wait.ts';
import type { ManagerKind } from '../config/model.ts';
import { type Bus, type BusCall, connectBus } from './bus.ts';
import { manager } from './names.ts';
import { speakerRule } from './speaker.ts';

/** A connection to a manager that is made anew when the bus goes away and comes back. */
export interface Connection {
  readonly kind: ManagerKind;
  /** the bus as it is now; waits while it comes back */
  bus(): Promise<Bus>;
  call(call: BusCall): Promise<unknown[]>;
  /** Does work, and once more when the bus went away in the middle of it: only for what may be done twice. */
  again<T>(work: () => Promise<T>): Promise<T>;
  readonly isClosed: boolean;
  /** whether root made the connection: the bus takes the rights of whoever connects, and they stay when root gives up its own */
  readonly isRoots: boolean;
  close(): void;
}

type Connect = (kind: ManagerKind) => Promise<Bus>;

/** How long a bus that went away may take to come back before what needs it fails; after that, nobody waits again. */
const reconnectMs = 10_000;
const retryMs = 100;

/**
 * Connects to the bus and subscribes to the manager's signals, while whoever asks for it goes on with other things: what
 * needs the bus first waits for it, and throws `systemd_unavailable` when there is none; who asks after that tries anew.
 * @param after when to begin; none: at once
 */
export function openConnection(kind: ManagerKind, connect: Connect = connectBus, after?: Promise<unknown>): Connection {
  return new Renewed(kind, connect, after);
}

class Renewed implements Connection {
  readonly kind: ManagerKind;
  isClosed = false;
  readonly #connect: Connect;
  #first: Promise<Bus> | undefined;
  #latest: Bus | undefined;
  #reconnecting: Promise<Bus> | undefined;
  #lostAt: number | undefined;
  #isMadeByRoot = false;

  constructor(kind: ManagerKind, connect: Connect, after?: Promise<unknown>) {
    this.kind = kind;
    this.#connect = connect;
    this.#first = after ? after.then(() => this.#renew()) : this.#renew();
    // Whoever needs the bus is told.
    this.#first.catch(() => {});
  }

  get isRoots(): boolean {
    return this.#latest && !this.#latest.lost.aborted ? this.#isMadeByRoot : isRoot();
  }

  async bus(): Promise<Bus> {
    const bus = this.#latest ?? (await this.#begin());
    if (!bus.lost.aborted || this.isClosed) return bus;
    this.#lostAt ??= performance.now();
    this.#reconnecting ??= this.#reconnect(this.#lostAt + reconnectMs).finally(() => {
      this.#reconnecting = undefined;
    });
    const anew = await this.#reconnecting;
    this.#lostAt = undefined;
    return anew;
  }

  /** One that failed is told once: a bus that comes up later than whoever needs it is found by the next question. */
  async #begin(): Promise<Bus> {
    this.#first ??= this.#renew();
    const first = this.#first;
    try {
      return await first;
    } catch (error) {
      if (this.#first === first) this.#first = undefined;
      throw error;
    }
  }

  async #reconnect(until: number): Promise<Bus> {
    for (;;) {
      try {
        return await this.#renew();
      } catch (error) {
        if (this.isClosed || performance.now() > until || !isCutoverError(error)) throw error;
        await sleep(retryMs);
      }
    }
  }

  async #renew(): Promise<Bus> {
    const wasRoot = isRoot();
    const bus = await this.#connect(this.kind);
    try {
      await subscribe(bus);
    } catch (error) {
      bus.close();
      throw error;
    }
    // Whoever closed it meanwhile knew nothing of this one.
    if (this.isClosed) bus.close();
    this.#latest = bus;
    this.#isMadeByRoot = wasRoot && isRoot();
    return bus;
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
    this.#latest?.close();
  }
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** Before anything is asked: a job may end before the reply that names it. */
async function subscribe(bus: Bus): Promise<void> {
  const { destination, interface: managerInterface } = manager;
  await Promise.all([
    bus.addMatch(speakerRule),
    bus.addMatch(`type='signal',sender='${destination}',interface='${managerInterface}',member='JobRemoved'`),
    bus.call({ ...manager, member: 'Subscribe' }),
  ]);
}
