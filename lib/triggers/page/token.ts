import { createHmac, randomBytes } from 'node:crypto';
import { isSame } from '../constant-time.ts';

/** How long a browser need not be asked again. */
export const sessionMs = 12 * 60 * 60_000;

/** Tells who knows the token. */
export interface TokenCheck {
  isToken(word: string): boolean;
  /** what a browser shows instead of the token until it is over; worthless after a restart */
  newSession(nowMs: number): string;
  isSession(text: string, nowMs: number): boolean;
}

/** Compares in a time that tells nothing of the token. */
export function tokenCheck(token: string): TokenCheck {
  const key = randomBytes(32);
  const macOf = (expiry: string): string => createHmac('sha256', key).update(`${expiry}.${token}`).digest('hex');
  return {
    isToken: (word) => isSame(word, token),
    newSession(nowMs) {
      const expiry = String(nowMs + sessionMs);
      return `${expiry}.${macOf(expiry)}`;
    },
    isSession(text, nowMs) {
      const [, expiry = '', mac = ''] = /^(\d{1,16})\.([0-9a-f]{64})$/.exec(text) ?? [];
      return isSame(mac, macOf(expiry)) && Number(expiry) > nowMs && Number(expiry) <= nowMs + sessionMs;
    },
  };
}
