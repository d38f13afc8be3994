import { readlinkSync } from 'node:fs';
import { isAccepting, rehearseConnecting } from './accepts.ts';
import { descriptorOf, type Listener, listListeners } from './sockets.ts';

/** A port that was listened on at the last look at the kernel's tables. */
interface Place extends Listener {
  /** `/proc/PID/fd/N` of a process that has the socket open; null where none may be seen */
  descriptor: string | null;
}

/** Sees again and again whether somebody listens on every one of some ports. */
export interface ListeningWatch {
  /**
   * @param isWhole look at the kernel's tables, and not only whether the socket of the last look is still open
   * @param maxAgeMs what others saw in the tables this long ago will do
   */
  look: (options?: { isWhole?: boolean; maxAgeMs?: number }) => Promise<boolean>;
  /** where each port was listened on when all of them were; empty before */
  addresses: (port: number) => string[];
}

/**
 * While a process has the socket open, one link tells it, a hundredth of the cost of the tables: the kernel walks all
 * its connections for those. Once it is gone a connection tells whether there is anybody else, and only a yes is worth a look
 * at the tables. A process that only stops listening, which shutdown(2) can do, is seen by a whole look.
 * @param holders the processes that may be the ones
 */
export function listeningWatch(
  ports: readonly number[],
  holders: () => Promise<readonly number[]> = async () => [],
): ListeningWatch {
  // Asked beforehand and beside the looks: a manager that is busy answers nobody, and a port may close and open meanwhile.
  return new Watch(ports, latestOf(holders));
}

class Watch implements ListeningWatch {
  readonly #ports: readonly number[];
  readonly #holders: () => readonly number[];
  #places: Place[] = [];
  #listeners: Listener[] = [];
  #isDoubted = false;

  constructor(ports: readonly number[], holders: () => readonly number[]) {
    this.#ports = ports;
    this.#holders = holders;
  }

  async look({ isWhole = false, maxAgeMs = 0 } = {}): Promise<boolean> {
    const seen = isWhole ? null : await this.#lookAtLinks();
    return seen ?? this.#lookAtTables(maxAgeMs);
  }

  addresses = (port: number): string[] =>
    this.#listeners.filter((listener) => listener.port === port).map(({ address }) => address);

  /** @returns null where only the tables tell */
  async #lookAtLinks(): Promise<boolean | null> {
    this.#places = this.#places.map((place) => (place.descriptor === null ? this.#placeOf(place) : place));
    if (!this.#areAllOpen() || this.#places.some(({ descriptor }) => descriptor === null)) return null;
    if (this.#places.every(isStillOpen)) return true;
    if (!(await areAccepting(this.#ports, this.addresses))) {
      this.#places = [];
      return false;
    }
    // A process that ends has its descriptors closed a moment before its sockets: who is still there the next time is another.
    this.#isDoubted = !this.#isDoubted;
    return this.#isDoubted ? true : null;
  }

  async #lookAtTables(maxAgeMs: number): Promise<boolean> {
    this.#isDoubted = false;
    const found = await listListeners(this.#ports, { maxAgeMs });
    const first = this.#ports.flatMap((port) => found.find((listener) => listener.port === port) ?? []);
    this.#places = first.map((listener) => this.#placeOf(listener));
    if (!this.#areAllOpen()) return false;
    this.#listeners = found;
    rehearseConnecting(found.map(({ address }) => address));
    // What others have read may have changed since.
    return maxAgeMs === 0 || this.#places.every((place) => place.descriptor === null || isStillOpen(place));
  }

  #placeOf(listener: Listener): Place {
    return { ...listener, descriptor: descriptorOf(listener.inode, this.#holders()) };
  }

  #areAllOpen(): boolean {
    return this.#ports.every((port) => this.#places.some((place) => place.port === port));
  }
}

/** Whether somebody accepts on each of the ports, where it was listened on before. */
export async function areAccepting(ports: readonly number[], addresses: ListeningWatch['addresses']): Promise<boolean> {
  return (await Promise.all(ports.map((port) => isAccepting(port, addresses(port))))).every(Boolean);
}

/** What was answered last; each call has it asked for once more. */
function latestOf(ask: () => Promise<readonly number[]>): () => readonly number[] {
  let [latest, isAsking]: [readonly number[], boolean] = [[], false];
  const refresh = async (): Promise<void> => {
    isAsking = true;
    latest = await ask().catch(() => []);
    isAsking = false;
  };
  const known = (): readonly number[] => {
    if (!isAsking) void refresh();
    return latest;
  };
  known();
  return known;
}

function isStillOpen({ descriptor, inode }: Place): boolean {
  try {
    return descriptor !== null && readlinkSync(descriptor) === `socket:[${inode}]`;
  } catch {
    return false;
  }
}
