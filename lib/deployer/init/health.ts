import { probe } from '../../checks/probe.ts';
import type { Listener } from '../../systemd/sockets.ts';

/** An address that answers well. */
export interface FoundHealth {
  url: string;
  status: number;
  /** what stands under "status" in a body that is JSON */
  says: string | null;
}

/** Where services tell how they are, the most telling first; any page shows at least that something answers. */
export const usualPaths = ['/health', '/api/health', '/healthz', '/'];

/** A service that needs longer is not well, or has no such page. */
const timeoutMs = 5_000;
const reachedBy: Record<string, readonly string[]> = { '0.0.0.0': ['127.0.0.1'], '::': ['127.0.0.1', '::1'] };

/** Asks the usual paths where the unit listens, all at once. @returns the first of them that answers 2xx, or null */
export async function findHealth(listeners: readonly Listener[], signal: AbortSignal): Promise<FoundHealth | null> {
  const origins = listeners.flatMap(({ address, port }) =>
    (reachedBy[address] ?? [address]).map((host) => `http://${host.includes(':') ? `[${host}]` : host}:${port}`),
  );
  const urls = usualPaths.flatMap((path) => [...new Set(origins)].map((origin) => `${origin}${path}`));
  const answers = await Promise.all(urls.map((url) => askHealth(url, signal)));
  return answers.find((answer) => answer !== null) ?? null;
}

/** Asks one address. @returns null unless it answers 2xx */
export async function askHealth(url: string, signal: AbortSignal): Promise<FoundHealth | null> {
  const expected = { statuses: [[200, 299] as [number, number]], json: {}, body: null, headers: {}, timeoutMs };
  const { status, text, problem } = await probe(url, expected, signal);
  return problem === null && status !== null ? { url, status, says: statusIn(text) } : null;
}

function statusIn(body: string): string | null {
  try {
    const { status } = JSON.parse(body) as { status?: unknown };
    return typeof status === 'string' && status.length < 40 ? status : null;
  } catch {
    return null;
  }
}
