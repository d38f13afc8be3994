import waitOn from 'wait-on';

/** `tcp:127.0.0.1:22`: somebody accepts connections; `http-get://127.0.0.1:80/health`: the answer is one of 2xx. */
export type Address = `tcp:${string}` | `http-get://${string}`;

const patienceMs = 25_000;

/** Waits until somebody answers there. @throws when nobody does in 25 s */
export function untilAnswering(address: Address): Promise<void> {
  const once = { interval: 50, window: 0, simultaneous: 1, tcpTimeout: 1000, httpTimeout: 5000, timeout: patienceMs };
  // A proxy of the machine would answer for a port that is closed.
  return waitOn({ resources: [address], proxy: false, followRedirect: false, ...once });
}
