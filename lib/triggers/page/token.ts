import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { CutoverError, errnoOf, messageOf } from '../../base/errors.ts';

/** What can be guessed by trying is no token. */
const shortest = 16;
const longest = 4096;

/** How long a browser need not be asked again. */
export const sessionMs = 12 * 60 * 60_000;

/** Tells who knows the token. */
export interface TokenCheck {
  isToken(word: string): boolean;
  /** what a browser shows instead of the token until it is over; worthless after a restart */
  newSession(nowMs: number): string;
  isSession(text: string, nowMs: number): boolean;
}

/**
 * Reads `[serve].token_file`.
 * @throws `config` when it is missing, readable by everybody, empty or short; the message holds nothing of it
 */
export async function readToken(path: string): Promise<string> {
  const { text, mode } = await contentsOf(path);
  if ((mode & 0o007) !== 0)
    throw new CutoverError('config', `everybody may read ${path}, which [serve].token_file names`, {
      mend: `chmod 600 ${path}`,
    });
  const token = text.trim();
  if (token.length >= shortest && token.length <= longest && !/\s/.test(token)) return token;
  throw new CutoverError('config', `${path} has to hold one word of at least ${shortest} characters`, {
    mend: `openssl rand -hex 32 > ${path}`,
  });
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

/** Digests are of one length, whatever was sent. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function contentsOf(path: string): Promise<{ text: string; mode: number }> {
  try {
    const file = await open(path, 'r');
    try {
      return { mode: (await file.stat()).mode, text: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    const facts: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'permission denied' };
    const fact = facts[errnoOf(error) ?? ''] ?? messageOf(error);
    const mend = `openssl rand -hex 32 | sudo install -m 600 /dev/stdin ${path}`;
    throw new CutoverError('config', `cannot read ${path}, which [serve].token_file names: ${fact}`, {
      mend,
      cause: error,
    });
  }
}
