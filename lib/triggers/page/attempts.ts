/** Wrong tokens are counted by network (`networkOf`) and together, so that nobody finds the right one by trying. */
export interface Attempts {
  /** Counts a try. @returns how long to wait before the next one, in ms; 0: it may be made now */
  begin(network: string, nowMs: number): number;
  /** The try was a right one: it counts for nothing. */
  forget(network: string): void;
}

const spanMs = 60_000;
const mostPerNetwork = 10;
const mostTogether = 200;

interface Count {
  tries: number;
  /** a new count begins then */
  untilMs: number;
}

export function openAttempts(): Attempts {
  const counts = new Map<string, Count>();
  let together: Count = { tries: 0, untilMs: 0 };
  return {
    begin(network, nowMs) {
      if (nowMs >= together.untilMs || isFromTheFuture(together, nowMs)) {
        together = { tries: 0, untilMs: nowMs + spanMs };
        // As many networks as tries are remembered at most, so the memory is bounded too.
        for (const [name, { untilMs }] of counts) if (nowMs >= untilMs) counts.delete(name);
      }
      const count = freshCount(counts.get(network), nowMs);
      if (count.tries >= mostPerNetwork) return count.untilMs - nowMs;
      if (together.tries >= mostTogether) return together.untilMs - nowMs;
      count.tries += 1;
      together.tries += 1;
      counts.set(network, count);
      return 0;
    },
    forget(network) {
      const count = counts.get(network);
      if (count) count.tries -= 1;
      together.tries -= 1;
    },
  };
}

function freshCount(known: Count | undefined, nowMs: number): Count {
  const isOver = !known || nowMs >= known.untilMs || isFromTheFuture(known, nowMs);
  return isOver ? { tries: 0, untilMs: nowMs + spanMs } : known;
}

/** After a clock that went back a count would last for hours. */
function isFromTheFuture({ untilMs }: Count, nowMs: number): boolean {
  return untilMs > nowMs + spanMs;
}
