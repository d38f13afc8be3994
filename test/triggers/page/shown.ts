import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PageModel } from '../../../lib/report/page/model.ts';
import { openLogin } from '../../../lib/triggers/page/login.ts';
import type { Watching } from '../../../lib/triggers/page/watching.ts';
import { routesFor } from '../../../lib/triggers/page.ts';
import { createAdaptorServer } from '../../../lib/triggers/serve/framework.ts';
import type { TestContext } from '../../suite.ts';

/** A page over a state that the test decides. */
export interface ShownPage {
  url: string;
  /** Shows another state, and tells whoever listens. */
  show(model: PageModel): void;
  /** The server goes away, as one that is killed does. */
  stop(): Promise<void>;
  /** It listens again where it was. */
  start(): Promise<void>;
  listeners(): number;
}

/** Serves the page until the test ends. @param token wanted from whoever looks; null: none */
export async function showPage(
  t: TestContext,
  model: PageModel,
  { token = null, host = '127.0.0.1' }: { token?: string | null; host?: string } = {},
): Promise<ShownPage> {
  const ended = new AbortController();
  const watching = fixedWatching(model);
  const app = routesFor({ watching, login: openLogin(token), signal: ended.signal });
  let [server, port] = await listenAt(app.fetch, { port: 0, host });
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  t.cleanup(async () => {
    ended.abort();
    await stop();
  });
  return {
    url: `http://${host}:${port}`,
    show: watching.show,
    stop,
    async start() {
      [server, port] = await listenAt(app.fetch, { port, host });
    },
    listeners: watching.listeners,
  };
}

type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch'];

async function listenAt(
  fetch: Fetch,
  { port, host }: { port: number; host: string },
): Promise<[server: Server, port: number]> {
  const server = createAdaptorServer({ fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return [server, (server.address() as AddressInfo).port];
}

/** A state that the test decides, for four listeners at most. */
export function fixedWatching(
  first: PageModel,
): Watching & { show: (model: PageModel) => void; listeners: () => number } {
  const listeners = new Set<() => void>();
  let model = first;
  return {
    now: () => Promise.resolve(model),
    latest: () => model,
    subscribe(listener) {
      if (listeners.size >= 4) return null;
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    show(next) {
      model = next;
      for (const listener of listeners) listener();
    },
    listeners: () => listeners.size,
  };
}
