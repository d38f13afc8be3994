import { secretsInAddresses } from './address-secrets.ts';
import type { HookName } from './model.ts';

/** What stands wherever a value might give a secret away. */
export const redacted = '[redacted]';

/** Names that end so hold a secret itself; `token_file`, `token_env` and the like only say where it is. */
const secretName = new RegExp(
  [
    'token|secret|passw(or)?d|passphrase|pwd|authorization|cookie|credentials?',
    // Of its own: there are bypasses, and compasses.
    '(^|[_-])pass',
    // Other keys are public, sort rows or name what is in a cache.
    '(api|secret|private|access|auth|master|encryption|signing|app|jwt|session|stripe|service)[_-]?key(_base)?',
  ]
    .map((ending) => `(${ending})$`)
    .join('|'),
  'i',
);

/** Secrets inside a text: what stands before each, and the secret itself. */
const secretsInText: RegExp[] = [
  ...secretsInAddresses,
  /([?&](?:[\w-]*token|[\w-]*key|secret|password|signature|sig)=)([^\s&#"']+)/gi,
  /((?:authorization|x-api-key)\s*:\s*(?:(?:bearer|basic|token)\s+)?)(?!(?:bearer|basic|token)\s)([^\s"']+)/gi,
  /(\/\/(?:hooks\.slack\.com|(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks)\/)([^\s"']+)/gi,
  /(\/\/api\.telegram\.org\/bot)([^\s/"']+)/gi,
];

/** What only names its secret where a shell reads it: variables, or what a command prints. */
const onlyNamed = /^(?:\$\(|`|(?:\$\w+|\$\{[^}]*\}?)+$)/;

/** Keys whose text a shell reads; everywhere else a password may begin with `$`. */
const shellKeys: Record<HookName | 'run' | 'fallback' | 'shell', true> = {
  fetch: true,
  test: true,
  build: true,
  migrate: true,
  smoke: true,
  repair: true,
  deployed: true,
  rolled_back: true,
  failed: true,
  run: true,
  fallback: true,
  shell: true,
};

/** Headers that never carry a secret; every other one is hidden when shown. */
const plainHeaders = [
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'connection',
  'content-type',
  'host',
  'origin',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'x-requested-with',
];

/** A header that is called so carries one, and its file is for its owner alone; of others nobody can say. */
const tellingHeader = /auth|key|token|secret|sign|session|cookie|credential|pass/i;

/** Whether a key of this name holds a secret by itself. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** Whether a header of this name never carries a secret. */
export function isPlainHeader(name: string): boolean {
  return plainHeaders.includes(name.toLowerCase());
}

/**
 * The text without the secrets inside it: passwords and tokens in addresses, tokens in queries.
 * @param isForShell a shell will read it, so that a variable is no secret
 */
export function redactText(text: string, { isForShell = false } = {}): string {
  const hide = (all: string, before: string, secret: string): string =>
    isForShell && onlyNamed.test(secret) ? all : `${before}${redacted}`;
  return secretsInText.reduce((rest, pattern) => rest.replace(pattern, hide), text);
}

/**
 * The secrets inside a text, as they are written there: the same that `redactText` takes out.
 * @param name of the key that holds it: where a shell reads it, a variable is no secret
 */
export function secretsInside(name: string, text: string): string[] {
  const found = secretsInText.flatMap((pattern) => [...text.matchAll(pattern)]);
  const isForShell = isShellKey(name);
  return found.flatMap(([, , secret = '']) => (isForShell && onlyNamed.test(secret) ? [] : secret));
}

/** A value as it may be shown: whole where nothing in it or in its name speaks of a secret. */
export function redact(name: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (isSecretName(name) && value !== '') return redacted;
    return redactText(value, { isForShell: isShellKey(name) });
  }
  if (Array.isArray(value)) return value.map((item) => redact(name, item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, name === 'headers' && !isPlainHeader(key) ? redacted : redact(key, item)]),
  );
}

/** The paths below which a document holds a secret in so many words. */
export function findSecrets(value: unknown, path = '', name = ''): string[] {
  if (typeof value === 'string') return redact(name, value) === value ? [] : [path];
  if (Array.isArray(value)) return value.flatMap((item) => findSecrets(item, path, name));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = path === '' ? key : `${path}.${key}`;
    // A target may be called anything, `headers` included.
    return name === 'headers' && tellingHeader.test(key) ? [at] : findSecrets(item, at, path === 'targets' ? '' : key);
  });
}

function isShellKey(name: string): boolean {
  return Object.hasOwn(shellKeys, name);
}
