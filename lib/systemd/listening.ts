import { readlinkSync } from 'node:fs';
import { descriptorOf, type Listener, listListeners } from './sockets.ts';

/** A port that was listened on at the last look at the kernel's tables. */
interface Place extends Listener {
  /** `/proc/PID/fd/N` of a process that has the socket open; null where none may be seen */
  descriptor: string | null;
}

/** Sees again and again whether somebody listens on every one of some ports. */
export interface ListeningWatch {
  /** @param isWhole look at the kernel's tables, and not only whether the socket of the last look is still open */
  look: (options?: { isWhole?: boolean }) => Promise<boolean>;
  /** where each port was listened on when all of them were; empty before */
  addresses: (port: number) => string[];
}

/**
 * While a process has the socket open, one link tells it, a hundredth of the cost of the tables: the kernel walks all
 * its connections for those. A process that only stops listening, which shutdown(2) can do, is seen by a whole look.
 * @param holders the processes that may be the ones
 */
export function listeningWatch(
  ports: readonly number[],
  holders: () => Promise<readonly number[]> = async () => [],
): ListeningWatch {
  // Asked beforehand and beside the looks: a manager that is busy answers nobody, and a port may close and open meanwhile.
  const known = latestOf(holders);
  let places: Place[] = [];
  let listeners: Listener[] = [];
  const areAllOpen = (): boolean => ports.every((port) => places.some((place) => place.port === port));
  return {
    async look({ isWhole = false } = {}) {
      if (!isWhole && areAllOpen() && places.every(isStillOpen)) return true;
      const found = await listListeners(ports);
      const first = ports.flatMap((port) => found.find((listener) => listener.port === port) ?? []);
      places = first.map((listener) => ({ ...listener, descriptor: descriptorOf(listener.inode, known()) }));
      if (areAllOpen()) listeners = found;
      return areAllOpen();
    },
    addresses: (port) => listeners.filter((listener) => listener.port === port).map(({ address }) => address),
  };
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
