import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { TestContext } from '../suite.ts';

/** A socket of this process that listens until the test ends. @param port 0: any that is free */
export async function listen(t: TestContext, host: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen(port, host);
  t.cleanup(() => server.close());
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}

/** Resolves when nobody listens there any more. */
export async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
