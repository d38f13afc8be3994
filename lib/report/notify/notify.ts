import { CutoverError, messageOf } from '../../base/errors.ts';
import { type Redact, redactorOf } from '../../base/redactor.ts';
import { withDeadline } from '../../base/wait.ts';
import type { ChannelConfig } from '../../config/model.ts';
import type { Message } from './channel.ts';
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
 * @returns one sentence for each channel that could not be told, with no secret in it
 */
export async function notify(
  notices: readonly Notice[],
  configured: readonly ChannelConfig[],
  how: Telling,
): Promise<string[]> {
  return (await notifyEach(notices, configured, how)).problems;
}

/**
 * The same for who tells again what reached nobody.
 * @returns `untold`: what channels want to hear and none of them took
 */
export async function notifyEach(
  notices: readonly Notice[],
  configured: readonly ChannelConfig[],
  { bounds = usualBounds, ...how }: Telling,
): Promise<{ problems: string[]; untold: Notice[] }> {
  const told = await Promise.all(
    configured.map((config) => {
      const wanted = notices.filter(({ kind }) => config.on.includes(kind));
      return tell(wanted, config, { ...how, bounds });
    }),
  );
  const problems = told.flatMap(({ problem }) => problem ?? []);
  const [taken, missed] = [told.flatMap((one) => one.taken), told.flatMap((one) => one.missed)];
  return { problems, untold: notices.filter((one) => missed.includes(one) && !taken.includes(one)) };
}

interface Telling {
  /** ends the wait */
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
  bounds?: Bounds;
}

/** What a channel came to. One that is off misses nothing. */
interface ChannelTold {
  problem: string | null;
  taken: Notice[];
  missed: Notice[];
}

async function tell(
  notices: readonly Notice[],
  { channel: name, options }: ChannelConfig,
  how: Required<Telling>,
): Promise<ChannelTold> {
  const channel = channels[name];
  const taken: Notice[] = [];
  let hide: Redact = String;
  try {
    const secret = notices.length === 0 ? null : await readSecret(channel, options, how.env);
    if (secret === null) return { problem: null, taken, missed: [] };
    hide = redactorOf(partsOf(secret, options));
    const messages = notices.map((notice) => channel.messageOf(notice, { secret, options }));
    await sendAll(messages, how, (at) => taken.push(...notices.slice(at, at + 1)));
    return { problem: null, taken, missed: [] };
  } catch (error) {
    const problem = `${name} was not told: ${cut(hide(messageOf(error)), 400)}`;
    return { problem, taken, missed: notices.filter((one) => !taken.includes(one)) };
  }
}

/** One after the other, as it happened. One that is refused for good does not keep those behind it from being told. @throws as `send` */
async function sendAll(
  messages: readonly Message[],
  { signal, bounds: { wholeMs, ...patience } }: Required<Telling>,
  onTaken: (at: number) => void,
): Promise<void> {
  const until = performance.now() + wholeMs;
  await withDeadline({ what: 'it was not told', timeoutMs: wholeMs, signal }, async (ended) => {
    let refusal: string | null = null;
    for (const [at, message] of messages.entries()) {
      const refused = await send(message, { ...patience, until }, ended);
      if (refused === null) onTaken(at);
      refusal ??= refused;
    }
    if (refusal !== null) throw new CutoverError('refused', refusal);
  });
}

/** The secret and what of it somebody might repeat: an address without its host, its last part, what headers hold. */
function partsOf(secret: string, { headers }: ChannelConfig['options']): string[] {
  const path = URL.canParse(secret) ? new URL(secret) : null;
  const ofUrl = path ? [path.pathname + path.search, path.pathname, ...path.pathname.split('/'), path.password] : [];
  return [secret, ...ofUrl, ...Object.values((headers ?? {}) as Record<string, string>)];
}
