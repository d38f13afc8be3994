import type { Config } from '../config/model.ts';
import { Hono, type HttpBindings } from './serve/framework.ts';
import { type Listening, listen } from './serve/listen.ts';
import { version } from '../version.ts';

/** What the receiver needs from outside. */
export interface ServeParts {
  config: Config;
  env: NodeJS.ProcessEnv;
}

/** The environment of every route: Node's own request and response. */
export type Route = Hono<{ Bindings: HttpBindings }>;

/**
 * Opens the webhook receiver (W1) on the socket that systemd passed, or at `[serve].listen`.
 * @throws `config` when the address cannot be listened on
 */
export async function serve({ config, env }: ServeParts): Promise<Listening> {
  return listen(routes(), { address: config.serve?.listen ?? '127.0.0.1:4040', env });
}

function routes(): Route {
  const app: Route = new Hono<{ Bindings: HttpBindings }>();
  app.get('/health', (c) => c.json({ status: 'ok', problems: [], version, uptime_ms: uptimeMs() }));
  return app;
}

function uptimeMs(): number {
  return Math.round(process.uptime() * 1000);
}
