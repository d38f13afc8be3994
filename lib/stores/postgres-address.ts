import { CutoverError, fileError } from '../base/errors.ts';
import { readRegularFile } from '../base/regular-file.ts';

/** Where a PostgreSQL database is: its address, or a file that holds it. */
export interface PostgresPlace {
  url: string | null;
  urlFile: string | null;
}

/** An address that may be shown and stand on a command line, and the password that must not. */
export interface PostgresAddress {
  address: string;
  password: string | null;
}

// libpq's own parts (33.1.1.2 of its manual): credentials up to the first "@" before a slash, then hosts, name, options.
const uri = /^(postgres(?:ql)?:\/\/)(?:([^@/]*)@)?([^?]*)(?:\?(.*))?$/s;
// What is none of these may be the rest of a password with a "/", "?" or "@" in it.
const host = String.raw`(?:\[[^\]@/]*\]|[^:,@/[\]]*)(?::\d*)?`;
const hostsAndName = new RegExp(`^${host}(?:,${host})*(?:/[^@]*)?$`);
const anOption = /^[a-z_]+=/;

/**
 * The address without its password.
 * @throws `config` when it is none; `permission` when the file may not be read. No message holds any part of it
 */
export async function readAddress({ url, urlFile }: PostgresPlace): Promise<PostgresAddress> {
  const text = url ?? (await readUrlFile(urlFile ?? ''));
  const [, scheme, credentials, place = '', query] = uri.exec(text.trim()) ?? [];
  const where = urlFile ?? 'url';
  if (scheme === undefined || /\s/.test(text.trim()) || !hostsAndName.test(place)) throw malformed(where);
  const at = credentials?.indexOf(':') ?? -1;
  const user = at < 0 ? credentials : credentials?.slice(0, at);
  const inside = at < 0 ? null : decode(credentials?.slice(at + 1) ?? '', where);
  const { rest, password } = partQuery(query ?? '', where);
  const address = `${scheme}${user ? `${user}@` : ''}${place}${rest ? `?${rest}` : ''}`;
  return { address, password: password ?? (inside || null) };
}

/**
 * The hosts that an address names, without their ports and as they stand in it: a name, a socket's directory, or several.
 * @param address as `readAddress` gives it
 * @returns null: it leaves that to libpq
 */
export function hostsIn(address: string): string | null {
  const [, , , place = '', query = ''] = uri.exec(address) ?? [];
  const hosts = place.replace(/\/.*$/s, '').replaceAll(/:\d*(?=,|$)/g, '');
  const options = query.split('&').map((option) => /^host(?:addr)?=(.+)$/s.exec(option)?.[1]);
  const named = options.find((option) => option !== undefined) ?? hosts;
  return /[^,]/.test(named) ? named : null;
}

/** A password may stand among the options too. */
function partQuery(query: string, where: string): { rest: string; password: string | null } {
  let password: string | null = null;
  const options = query.split('&').filter((option) => option !== '');
  if (!options.every((option) => anOption.test(option))) throw malformed(where);
  const rest = options.filter((option) => {
    const [name = '', value = ''] = option.split(/=(.*)/s);
    // There is no other way to hand this one over than where everybody sees it.
    if (name === 'sslpassword') throw malformed(where, 'sslpassword: use a key without a password');
    if (name === 'password') password = decode(value, where);
    return name !== 'password';
  });
  return { rest: rest.join('&'), password };
}

function decode(text: string, where: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed(where);
  }
}

async function readUrlFile(path: string): Promise<string> {
  return readRegularFile(path).catch((error: unknown) => {
    const known = fileError(error, 'cannot read', path);
    if (known !== error) throw known;
    throw new CutoverError('config', `cannot read ${path}`, { mend: `ls -l ${path}`, cause: error });
  });
}

function malformed(where: string, what = 'not the address of a PostgreSQL database'): CutoverError {
  const mend =
    'postgres://user:password@host/name, where "@", ":", "/", "?" and "%" in a password are written as %40, %3A, …';
  return new CutoverError('config', `${where}: ${what}`, { mend });
}
