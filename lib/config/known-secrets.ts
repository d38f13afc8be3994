import { join } from 'node:path';
import { readRegularFile } from '../base/regular-file.ts';
import { isPlainHeader, isSecretName, secretsInside } from './secrets.ts';

/** `token_file`, `urlFile`, `secret_file` …: what the file holds is secret. */
const secretFile = /(token|secret|url|passw(or)?d|key)_?file$/i;
const secretCredential = /(token|secret|url|passw(or)?d|key)_?credential$/i;
const secretVariable = /(token|secret|url|passw(or)?d|key)_?env$/i;

/** More than this in a file is no secret to look for. */
const mostCharacters = 65_536;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The values of all secrets that a part of the configuration holds or names: inline, in files, in the service manager's
 * credentials, in variables, inside addresses and commands. What cannot be read is left out: then nobody here can give it away.
 * @param part any piece of the configuration: a target, the channels, or all of it
 */
export async function secretsOf(part: unknown, env: Environment = process.env): Promise<Set<string>> {
  const found = await collect('', part, env);
  return new Set(found.map((value) => value.trim()).filter((value) => value !== ''));
}

async function collect(name: string, value: unknown, env: Environment): Promise<string[]> {
  if (typeof value === 'string') return secretsIn(name, value, env);
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return (await Promise.all(value.map((item) => collect(name, item, env)))).flat();
  const isChannel = 'channel' in value;
  const found = await Promise.all(
    Object.entries(value).map(async ([key, item]) => {
      if (name === 'headers' && typeof item === 'string') return isPlainHeader(key) ? [] : headerSecrets(item);
      // The address of a channel is its password.
      if (isChannel && key === 'options') return [...urlOf(item), ...(await collect(key, item, env))];
      return collect(key, item, env);
    }),
  );
  return found.flat();
}

async function secretsIn(name: string, value: string, env: Environment): Promise<string[]> {
  if (secretFile.test(name)) return withInner(await readSecret(value));
  if (secretCredential.test(name)) return withInner(await readSecret(join(env.CREDENTIALS_DIRECTORY ?? '', value)));
  if (secretVariable.test(name)) return withInner(env[value] ?? '');
  return isSecretName(name) ? withInner(value) : innerOf(name, value);
}

/** `Bearer abc`: without its scheme too. */
function headerSecrets(value: string): string[] {
  return [value, value.replace(/^\w+\s+/, '')];
}

function urlOf(options: unknown): string[] {
  const { url } = options as { url?: unknown };
  return typeof url === 'string' ? [url] : [];
}

function withInner(text: string): string[] {
  return [text, ...innerOf('', text)];
}

/** As they are written, and as a server reads them. */
function innerOf(name: string, text: string): string[] {
  return secretsInside(name, text).flatMap((secret) => [secret, decoded(secret)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function readSecret(path: string): Promise<string> {
  const text = await readRegularFile(path).catch(() => '');
  return text.length > mostCharacters ? '' : text;
}
