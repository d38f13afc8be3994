import { messageOf } from '../../base/errors.ts';
import { type Redact, redactorOf } from '../../base/redactor.ts';
import { withDeadline } from '../../base/wait.ts';
import type { ChannelConfig } from '../../config/model.ts';
import { channels } from './channels.ts';
import { cut } from './cut.ts';
import type { Notice } from './notice.ts';
import { readSecret } from './secret.ts';
import { type Patience, send } from './send.ts';

/** What telling others may cost: each try, the pauses between tries, and the whole. */
export interface Bounds extends Omit<Patience, 'until'> {
  wholeMs: number;
}

export const usualBounds: Bounds = { timeoutMs: 10_000, pausesMs: [500, 2_000], wholeMs: 30_000 };

/** Where nobody waits at a terminal: after a boot, the network may still be on its way. */
export const unattendedBounds: Bounds = { ...usualBounds, pausesMs: [3_000, 12_000] };

/**
 * Tells each channel what it wants to hear, all of them at once. Never an error.
 * @param signal ends the wait
 * @returns one sentence for each channel that could not be told, with no secret in it
 */
export async function notify(
  notices: readonly Notice[],
  configured: readonly ChannelConfig[],
  { signal, env, bounds = usualBounds }: { signal: AbortSignal; env: NodeJS.ProcessEnv; bounds?: Bounds },
): Promise<string[]> {
  const problems = configured.map(async (config) => {
    const wanted = notices.filter(({ kind }) => config.on.includes(kind));
    return wanted.length === 0 ? null : tell(wanted, config, { signal, env, bounds });
  });
  return (await Promise.all(problems)).filter((problem) => problem !== null);
}

async function tell(
  notices: readonly Notice[],
  { channel: name, options }: ChannelConfig,
  { signal, env, bounds }: { signal: AbortSignal; env: NodeJS.ProcessEnv; bounds: Bounds },
): Promise<string | null> {
  const channel = channels[name];
  const { wholeMs, ...patience } = bounds;
  const until = performance.now() + wholeMs;
  let hide: Redact = String;
  try {
    const secret = await readSecret(channel, options, env);
    if (secret === null) return null;
    hide = redactorOf(partsOf(secret, options));
    const deadline = { what: 'it was not told', timeoutMs: wholeMs, signal };
    await withDeadline(deadline, async (ended) => {
      for (const notice of notices) {
        await send(channel.messageOf(notice, { secret, options }), { ...patience, until }, ended);
      }
    });
    return null;
  } catch (error) {
    return `${name} was not told: ${cut(hide(messageOf(error)), 400)}`;
  }
}

/** The secret and what of it somebody might repeat: an address without its host, its last part, what headers hold. */
function partsOf(secret: string, { headers }: ChannelConfig['options']): string[] {
  const path = URL.canParse(secret) ? new URL(secret) : null;
  const ofUrl = path ? [path.pathname + path.search, path.pathname, ...path.pathname.split('/'), path.password] : [];
  return [secret, ...ofUrl, ...Object.values((headers ?? {}) as Record<string, string>)];
}
