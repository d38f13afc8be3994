/**
 * The load: an open loop, so a service that is down does not slow its clients down, and a wait counts from the moment
 * in which the request was due. A process of its own, driven by messages: a port begins, `'stop'` ends and is answered with
 * a `LoadReport`.
 */
import { Agent, get } from 'node:http';
import { setPriority } from 'node:os';
import { facts } from './facts.ts';
import type { Failure, LoadReport } from './model.ts';

const requestTimeoutMs = 5_000;
const tickMs = 1;
/** Shorter ones are timers as they are. */
const stallFromMs = 3;

const now = (): number => performance.timeOrigin + performance.now();
let finish: (() => Promise<LoadReport>) | undefined;

// A busy machine must not make the load uneven.
setPriority(-15);
process.on('message', (message: number | 'stop') => {
  if (message !== 'stop') finish = begin(message);
  else void finish?.().then((report) => process.send?.(report));
});

function begin(port: number): () => Promise<LoadReport> {
  const report: LoadReport = { requests: [], stalls: [] };
  const open = new Set<Promise<void>>();
  // In turn, so that no connection stays silent for longer than the others.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: facts.keptConnections, scheduling: 'fifo' });
  const beganMs = now();
  let [sent, lastMs] = [0, beganMs];
  const timer = setInterval(() => {
    const atMs = now();
    if (atMs - lastMs > tickMs + stallFromMs) report.stalls.push([lastMs, atMs - lastMs - tickMs]);
    lastMs = atMs;
    for (let dueMs = dueAt(beganMs, sent); dueMs <= atMs; dueMs = dueAt(beganMs, sent)) {
      const one = ask(port, { agent: sent % 2 === 0 ? false : agent, path: isSlow(sent) ? '/slow' : '/' })
        .then((result) => void report.requests.push([dueMs, now() - dueMs, result]))
        .finally(() => open.delete(one));
      open.add(one);
      sent += 1;
    }
  }, tickMs);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    agent.destroy();
    return report;
  };
}

const dueAt = (beganMs: number, number: number): number => beganMs + (number / facts.rate) * 1_000;

/** One of those with a connection of its own and one of the others, in each round of so many. */
function isSlow(number: number): boolean {
  const place = number % (2 / facts.slowShare);
  return place === 4 || place === 23;
}

function ask(port: number, how: { agent: Agent | false; path: string }): Promise<'ok' | Failure> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, timeout: requestTimeoutMs, ...how }, (response) => {
      const { statusCode = 0 } = response;
      response.resume();
      response.once('error', (error) => resolve(failureOf(error)));
      response.once('end', () => resolve(statusCode === 200 ? 'ok' : statusCode >= 500 ? '5xx' : 'other'));
    });
    request.once('timeout', () => request.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    request.once('error', (error) => resolve(failureOf(error)));
  });
}

function failureOf({ code = '' }: NodeJS.ErrnoException): Failure {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'reset';
  return code === 'ETIMEDOUT' ? 'timeout' : 'other';
}
