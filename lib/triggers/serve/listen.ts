import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CutoverError, errnoOf, messageOf } from '../../base/errors.ts';
import { withDeadline } from '../../base/wait.ts';
import { createAdaptorServer, type HttpBindings } from './framework.ts';

/** Answers a request; what Node itself knows of it comes beside it. */
export type Fetch = (request: Request, bound: HttpBindings) => Response | Promise<Response>;

/** A receiver that listens. */
export interface Listening {
  /** where, for people; a socket that was passed says so */
  where: string;
  port: number | null;
  /** Takes no new connections, lets what is being answered end, and cuts off what is left at the deadline. */
  close: (timeoutMs: number) => Promise<void>;
}

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
const firstDescriptor = 3;
/** The queue of connections that are not accepted yet; net.core.somaxconn bounds it too. */
const backlog = 4096;
/** A client that takes longer than these is cut off. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 20_000;
const lookAtConnectionsMs = 1_000;
/** So long an idle connection is kept for the next request. */
const keepAliveMs = 5_000;
const mostConnections = 2_000;
const listenTimeoutMs = 10_000;

/**
 * Listens on the socket that systemd passed (`LISTEN_FDS`, `LISTEN_PID`), otherwise on an address.
 * @param address host and port as `[serve].listen` has them
 * @throws `config` when the address cannot be listened on
 */
export async function listen(
  app: { fetch: Fetch },
  { address, env }: { address: string; env: NodeJS.ProcessEnv },
): Promise<Listening> {
  const serverOptions = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: lookAtConnectionsMs,
    keepAliveTimeout: keepAliveMs,
  };
  const server = createAdaptorServer({ fetch: app.fetch as never, serverOptions }) as Server;
  server.maxConnections = mostConnections;
  const isPassed = isSocketPassed(env);
  await open(server, isPassed ? { fd: firstDescriptor } : hostAndPort(address));
  const bound = server.address() as AddressInfo | null;
  const where = isPassed ? 'the socket that systemd passed' : address;
  return { where, port: bound?.port ?? null, close: (timeoutMs) => close(server, timeoutMs) };
}

function isSocketPassed({ LISTEN_FDS, LISTEN_PID }: NodeJS.ProcessEnv): boolean {
  return Number(LISTEN_FDS) >= 1 && Number(LISTEN_PID) === process.pid;
}

function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

async function open(server: Server, where: { fd: number } | { host: string; port: number }): Promise<void> {
  const bounds = { what: 'the address was not listened on', timeoutMs: listenTimeoutMs };
  await withDeadline(bounds, async (signal) => {
    const listening = once(server, 'listening', { signal });
    server.listen({ ...where, backlog });
    return listening;
  }).catch((error: unknown) => {
    throw cannotListen(error, 'fd' in where ? null : where.port);
  });
}

function cannotListen(error: unknown, port: number | null): CutoverError {
  const facts: Record<string, string> = {
    EADDRINUSE: 'another process listens there',
    EACCES: 'this user may not listen there',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const fact = facts[errnoOf(error) ?? ''] ?? messageOf(error);
  const where = port === null ? 'the socket that systemd passed' : '[serve].listen';
  const mend = port === null ? 'systemctl status cutover-serve.socket' : `ss -ltnp 'sport = :${port}'`;
  return new CutoverError('config', `cannot listen on ${where}: ${fact}`, { mend, cause: error });
}

/** `close` waits for connections in use only; an idle one would keep it, and so would one that never ends. */
async function close(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
}
