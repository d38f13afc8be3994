/** What stands wherever a value might give a secret away. */
export const redacted = '[redacted]';

/** Names that end so hold a secret itself; `token_file`, `token_env` and the like only say where it is. */
const secretName =
  /(token|secret|passw(or)?d|passphrase|pwd|authorization|cookie|credentials?|(api|secret|private|access|auth)[_-]?key(_base)?)$/i;

/** Secrets inside a text; one that begins with `$` is a variable that only names its secret. */
const secretsInText: [pattern: RegExp, replacement: string][] = [
  [/(:\/\/[^\s:/@]*:)[^\s/@$[][^\s/@]*(?=@)/g, `$1${redacted}`],
  [/([?&](?:[\w-]*token|[\w-]*key|secret|password|signature|sig)=)[^\s&#"'$[][^\s&#"']*/gi, `$1${redacted}`],
  [
    /((?:authorization|x-api-key)\s*:\s*(?:(?:bearer|basic|token)\s+)?)(?!(?:bearer|basic|token)\s)[^\s"'$[][^\s"']*/gi,
    `$1${redacted}`,
  ],
  [/(\/\/(?:hooks\.slack\.com|(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks)\/)[^\s"'$[][^\s"']*/gi, `$1${redacted}`],
  [/(\/\/api\.telegram\.org\/bot)[^\s/"'$[][^\s/"']*/gi, `$1${redacted}`],
];

/** Headers that never carry a secret; every other one is hidden when shown. */
const plainHeaders = ['accept', 'accept-language', 'content-type', 'host', 'user-agent'];

/** Whether a key of this name holds a secret by itself. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** Whether a header of this name never carries a secret. */
export function isPlainHeader(name: string): boolean {
  return plainHeaders.includes(name.toLowerCase());
}

/** The text without the secrets inside it: passwords in addresses, tokens in queries. */
export function redactText(text: string): string {
  return secretsInText.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}

/** A value as it may be shown: whole where nothing in it or in its name speaks of a secret. */
export function redact(name: string, value: unknown): unknown {
  if (typeof value === 'string') return isSecretName(name) && value !== '' ? redacted : redactText(value);
  if (Array.isArray(value)) return value.map((item) => redact(name, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const isHidden = name === 'headers' && !isPlainHeader(key);
      return [key, isHidden ? redacted : redact(key, item)];
    }),
  );
}

/** The paths below which a document holds a secret in so many words. */
export function findSecrets(value: unknown, path = '', name = ''): string[] {
  if (typeof value === 'string') return redact(name, value) === value ? [] : [path];
  if (Array.isArray(value)) return value.flatMap((item) => findSecrets(item, path, name));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => findSecrets(item, path === '' ? key : `${path}.${key}`, key));
}
