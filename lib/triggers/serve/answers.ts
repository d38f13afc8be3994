import type { Body } from './body.ts';
import type { Context, HttpBindings } from './framework.ts';

/** The environment of every route: Node's own request and response. */
export type RouteEnvironment = { Bindings: HttpBindings };

type Answering = Context<RouteEnvironment>;

export type ErrorStatus = 400 | 401 | 404 | 405 | 413 | 429 | 500 | 503;

/** When what is wrong with the receiver itself may be over. */
export const laterSeconds = 30;

/** An answer that refuses: what is wrong, and what to do about it where there is something. */
export function refuse(
  c: Answering,
  status: ErrorStatus,
  { code, message, mend = null }: { code: string; message: string; mend?: string | null },
  headers: Record<string, string> = {},
): Response {
  return c.json({ error: { code, message, mend } }, status, headers);
}

/** Come again later: the seconds are for machines, too. */
export function refuseForNow(c: Answering, status: 429 | 503, seconds: number, message: string): Response {
  const code = status === 429 ? 'too_many_requests' : 'unavailable';
  const again = { 'Retry-After': String(seconds) };
  return refuse(c, status, { code, message, mend: `try again in ${seconds} s` }, again);
}

/** A body that was not read whole: nothing more can be read from that connection. */
export function refuseUnread(c: Answering, body: Exclude<Body, Buffer>): Response {
  c.header('Connection', 'close');
  if (body === 'busy') return refuseForNow(c, 503, laterSeconds, 'too much is being received at once');
  if (body === 'too_large') return refuse(c, 413, { code: 'too_large', message: 'the body is longer than 1 MiB' });
  return refuse(c, 400, { code: 'malformed', message: 'the body ended early' });
}
