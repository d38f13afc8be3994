/** How a unit was started, as a pass sees it. */
export interface Starts {
  /** how often systemd did so by itself (`NRestarts`, org.freedesktop.systemd1(5)); the first start after the unit was down begins the count anew */
  restarts: number;
  /** which start was the newest (`InvocationID`); earlier versions kept none */
  invocation?: string;
}

/**
 * How often systemd started a unit again by itself since a pass saw it.
 * @param before what that pass saw; null: there was none, and nothing is news
 */
export function restartsSince(before: Starts | null, { restarts, invocation }: Starts): number {
  if (before === null || before.invocation === invocation) return 0;
  if (restarts > before.restarts) return restarts - before.restarts;
  const isAsBefore = before.invocation === undefined && restarts === before.restarts;
  // Another start, and no higher count: somebody started it in between, and all of the count is from then on.
  return isAsBefore ? 0 : restarts;
}
