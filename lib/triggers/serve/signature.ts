import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { isSame } from '../constant-time.ts';
import type { Provider } from './request.ts';

type Header = (name: string) => string | undefined;

/** Why a request is not believed: its signature, or a time that is too far from ours. */
export type Doubt = 'signature' | 'time';

/** A signed time further away than this is refused. */
const mostSkewSeconds = 5 * 60;

/**
 * Whether whoever sent the body knows the secret. What is compared is compared in constant time.
 * @param body as it came, byte for byte
 * @param nowMs the machine's clock
 * @returns null: believed
 */
export function doubtOf(
  provider: Provider,
  { header, body }: { header: Header; body: Buffer },
  { secret, nowMs }: { secret: string; nowMs: number },
): Doubt | null {
  if (provider === 'gitlab') return isSame(header('x-gitlab-token') ?? '', secret) ? null : 'signature';
  if (provider === 'github') return isSigned(header('x-hub-signature-256'), [body], secret) ? null : 'signature';
  const time = header('x-timestamp');
  const signature = header('x-signature-256') ?? header('x-signature');
  if (!isSigned(signature, time === undefined ? [body] : [`${time}.`, body], secret)) return 'signature';
  if (time === undefined) return null;
  const isNear = /^\d{1,12}$/.test(time) && Math.abs(nowMs / 1000 - Number(time)) <= mostSkewSeconds;
  return isNear ? null : 'time';
}

/**
 * By which a delivery is known again. GitHub does not sign its delivery's id: there the body counts besides, and never comes
 * twice. A plain one may have an id, a signed time, or neither: then the same body is the same delivery.
 */
export function deliveryKeys(
  provider: Provider,
  target: string,
  { header, body }: { header: Header; body: Buffer },
): string[] {
  const names = { plain: 'x-delivery', github: 'x-github-delivery', gitlab: 'x-gitlab-event-uuid' };
  const id = header(names[provider]);
  const time = provider === 'plain' ? header('x-timestamp') : undefined;
  const ofBody = digest([provider, target, 'body', time ?? '', body]);
  if (id === undefined) return [ofBody];
  const ofId = digest([provider, target, 'id', id]);
  return provider === 'github' || time !== undefined ? [ofId, ofBody] : [ofId];
}

function isSigned(given: string | undefined, parts: readonly (string | Buffer)[], secret: string): boolean {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  const expected = hmac.digest();
  const hex = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(given ?? '')?.[1];
  const isEqual = timingSafeEqual(
    hex === undefined ? Buffer.alloc(expected.length) : Buffer.from(hex, 'hex'),
    expected,
  );
  return isEqual && hex !== undefined;
}

/** The lengths keep two lists of parts from having one digest. */
function digest(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}
