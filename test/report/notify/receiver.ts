import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from '../../suite.ts';

/** A request as it came. */
export interface Received {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  at: number;
}

/** What the receiver does with a request; the last one goes for all that come after it. */
export type Play = (response: ServerResponse, request: IncomingMessage) => void;

/** A local HTTP server that plays one of the APIs, request by request. */
export async function playReceiver(t: TestContext, ...plays: Play[]): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request).then(
      (body) => {
        received.push({ path: request.url ?? '', headers: request.headers, body, at: performance.now() });
        plays[Math.min(received.length, plays.length) - 1]?.(response, request);
      },
      () => {},
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.cleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** Answers with a status and JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Play {
  return (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Answers with a status and a word, as Slack does. */
export function word(status: number, body: string, headers: Record<string, string> = {}): Play {
  return (response) => void response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
}

/** Never answers. */
export const silence: Play = () => {};

/** Cuts the connection. */
export const reset: Play = (_, request) => void request.socket.resetAndDestroy();
