/**
 * Does the same for each item, so many at once. A bus has 128 answers pending for one client and no more
 * (`max_replies_per_connection`, dbus-daemon(1)), and each look at a service starts programs.
 * @returns what came of each, in the order of the items
 * @throws what the first that fails threw; none is begun after it
 */
export async function atMost<T, R>(count: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  let isFailed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (isFailed) return;
      results[index] = await work(item).catch((error: unknown) => {
        isFailed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: count }, worker));
  return results;
}

/** So many services are looked at side by side. */
export const looksAtOnce = 8;
