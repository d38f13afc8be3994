import type { IncomingMessage } from 'node:http';
import { addressOf } from './peer.ts';

/** The receiver's lines: what it does, what it is asked, how it is. Nothing of a body, a header or a query is in them. */
export interface ServeLog {
  /** @param priority of syslog(3): 3 error, 4 warning, 6 information */
  tell: (priority: number, line: string) => void;
  request(incoming: IncomingMessage, answer: { status: number; ms: number }): void;
  /** how many were answered, by provider or path and status */
  counts(): { path: string; status: number; count: number }[];
}

/** More lines a second than this tell nobody anything, and push what matters out of the journal. */
const mostPerSecond = 20;
const known = /^\/(hooks\/(?:plain|github|gitlab)|runs|health|metrics|events|state)(?=\/|$)/;

/** @param isJournal the journal reads a line's priority at its beginning (sd-daemon(3)); a person does not */
export function serveLog(write: (line: string) => void, isJournal: boolean): ServeLog {
  const counts = new Map<string, { path: string; status: number; count: number }>();
  const second = { at: 0, lines: 0, left: 0 };
  const tell = (priority: number, line: string): void => {
    write(`${isJournal ? `<${priority}>` : ''}${line.replaceAll(/\s+/g, ' ')}`);
  };
  return {
    tell,
    request(incoming, { status, ms }) {
      const path = pathOf(incoming);
      count(counts, path, status);
      const now = Math.floor(performance.now() / 1000);
      if (now !== second.at) {
        if (second.left > 0) tell(5, `${second.left} more requests were answered in that second`);
        Object.assign(second, { at: now, lines: 0, left: 0 });
      }
      second.lines += 1;
      if (second.lines > mostPerSecond) second.left += 1;
      else
        tell(status >= 500 ? 4 : 6, `${incoming.method} ${path} ${status} ${ms.toFixed(0)} ms ${addressOf(incoming)}`);
    },
    counts: () => [...counts.values()],
  };
}

function count(
  counts: Map<string, { path: string; status: number; count: number }>,
  path: string,
  status: number,
): void {
  // By what was asked for, not by its name: names come from outside, and there is no end of them.
  const kind = known.exec(path)?.[0] ?? (path === '/' ? '/' : 'other');
  const row = counts.get(`${kind} ${status}`) ?? { path: kind, status, count: 0 };
  row.count += 1;
  counts.set(`${kind} ${status}`, row);
}

function pathOf({ url = '' }: IncomingMessage): string {
  return (url.split(/[?#]/)[0] ?? '').replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 200);
}
