const busyFactor = 3;

/**
 * Time limits end what hangs, and say how long a test takes where nothing else is to be done. A machine that has much else to do
 * is given three times as long, so that none fails for that; short ones are for tests of the limits themselves.
 */
export function patient(timeoutMs: number): number {
  return timeoutMs < 10_000 ? timeoutMs : timeoutMs * busyFactor;
}
