/**
 * The load: an open loop, so a service that is down does not slow its clients down. A process of its own, driven by
 * messages: `{ port, rate }` begins, `'stop'` ends and is answered with what was seen.
 */
import { get } from 'node:http';

export interface LoadOrder {
  port: number;
  /** new connections per second */
  rate: number;
}

/** What the clients saw. Moments are milliseconds since the epoch. */
export interface LoadReport {
  sent: number;
  failed: number;
  /** the longest time between two good answers */
  gapMs: number;
  /** each change of what was answered: a build's name, `500`, `refused` … */
  changes: { at: number; answer: string }[];
}

const requestTimeoutMs = 5_000;

let finish: (() => Promise<LoadReport>) | undefined;

process.on('message', (message: LoadOrder | 'stop') => {
  if (message !== 'stop') {
    finish = begin(message);
    return;
  }
  void finish?.().then((report) => process.send?.(report));
});

function begin({ port, rate }: LoadOrder): () => Promise<LoadReport> {
  const report: LoadReport = { sent: 0, failed: 0, gapMs: 0, changes: [] };
  const open = new Set<Promise<void>>();
  let lastGood: number | undefined;
  const note = (answer: string, isGood: boolean): void => {
    const at = performance.timeOrigin + performance.now();
    if (report.changes.at(-1)?.answer !== answer) report.changes.push({ at, answer });
    if (!isGood) {
      report.failed += 1;
      return;
    }
    report.gapMs = Math.max(report.gapMs, at - (lastGood ?? at));
    lastGood = at;
  };
  const began = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1000) * rate);
    while (report.sent < due) {
      report.sent += 1;
      const one = ask(port, note).finally(() => open.delete(one));
      open.add(one);
    }
  }, 1);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    return report;
  };
}

/** One client with a connection of its own. */
function ask(port: number, note: (answer: string, isGood: boolean) => void): Promise<void> {
  return new Promise((resolve) => {
    const end = (answer: string, isGood: boolean): void => {
      note(answer, isGood);
      resolve();
    };
    const signal = AbortSignal.timeout(requestTimeoutMs);
    const request = get({ host: '127.0.0.1', port, path: '/', agent: false, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.once('error', () => end('broken off', false));
      response.once('end', () => {
        const { statusCode } = response;
        if (statusCode === 200) end((JSON.parse(body) as { build: string }).build, true);
        else end(String(statusCode), false);
      });
    });
    request.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'failed', false));
  });
}
