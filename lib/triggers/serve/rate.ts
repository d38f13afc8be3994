/** How many requests are taken in: so many at once, and so many a second after that. */
export interface Rate {
  burst: number;
  perSecond: number;
}

export interface Limiter {
  /** @returns null: it may come in; otherwise the seconds after which to try again */
  ask: (address: string) => number | null;
}

const mostAddresses = 10_000;

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * A bound for each address and one for all together.
 * @param nowMs a clock that no one sets
 */
export function limiter(
  { each, all }: { each: Rate; all: Rate },
  nowMs: () => number = () => performance.now(),
): Limiter {
  const whole: Bucket = { left: all.burst, atMs: nowMs() };
  const bucketOf = bucketsFor(each);
  return {
    ask(address) {
      const now = nowMs();
      const own = bucketOf(address, now);
      fill(own, each, now);
      fill(whole, all, now);
      const waits = [waitOf(own, each), waitOf(whole, all)].filter((wait) => wait !== null);
      if (waits.length > 0) return Math.max(...waits);
      own.left -= 1;
      whole.left -= 1;
      return null;
    },
  };
}

/** A bucket for each address; with too many, those that were not heard of for longest are forgotten. */
function bucketsFor({ burst }: Rate): (address: string, now: number) => Bucket {
  const buckets = new Map<string, Bucket>();
  return (address, now) => {
    const known = buckets.get(address) ?? { left: burst, atMs: now };
    // The address that was heard of last stands last.
    buckets.delete(address);
    buckets.set(address, known);
    if (buckets.size > mostAddresses) buckets.delete(buckets.keys().next().value as string);
    return known;
  };
}

function fill(bucket: Bucket, { burst, perSecond }: Rate, now: number): void {
  bucket.left = Math.min(burst, bucket.left + ((now - bucket.atMs) / 1000) * perSecond);
  bucket.atMs = now;
}

function waitOf({ left }: Bucket, { perSecond }: Rate): number | null {
  return left >= 1 ? null : Math.max(1, Math.ceil((1 - left) / perSecond));
}
