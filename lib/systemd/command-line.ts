import { onOneLine } from '../base/lines.ts';
import { secretsInAddresses } from '../config/address-secrets.ts';
import { redacted } from '../config/secrets.ts';

const secretWord = '(?:pass(?:word|wd|phrase)?|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key)';
/** `--db-password`, `DB_PASSWORD`, `token` */
const secretName = String.raw`-{0,2}(?:\w[\w.]*[-_.])*?${secretWord}(?:[-_]\w+)*?`;

const isSecretOption = new RegExp(`^-${secretName}$`, 'i');
const assigned = new RegExp(String.raw`(^|[\s"'?&;,])(${secretName})([=:]\s?)("[^"]*"|'[^']*'|[^\s&"']+)`, 'gi');
const followed = new RegExp(String.raw`(^|[\s"'])(-${secretName})\s+("[^"]*"|'[^']*'|[^\s"']+)`, 'gi');
const bearer = /\b(authorization:\s*)(?:\w+\s+)?[^\s"']+/gi;

/**
 * A process's arguments as one line for people, at most `length` characters: what looks like the value of a secret
 * (`--password X`, `TOKEN=X`, `//user:X@host`, `https://X@host`) is left out. A guess by names: no proof that no secret is in it.
 */
export function commandLineOf(args: readonly string[], length = 200): string {
  const words = args.map(onOneLine);
  const shown = words.map((word, at) => (isSecretOption.test(words[at - 1] ?? '') ? redacted : word));
  const line = shown
    .join(' ')
    .replaceAll(/ {2,}/g, ' ')
    .replaceAll(assigned, `$1$2$3${redacted}`)
    .replaceAll(followed, `$1$2 ${redacted}`)
    .replaceAll(bearer, `$1${redacted}`)
    .trim();
  const safe = secretsInAddresses.reduce((rest, pattern) => rest.replaceAll(pattern, `$1${redacted}`), line);
  return safe.length > length ? `${safe.slice(0, length - 1)}…` : safe;
}
