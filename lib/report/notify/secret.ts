import { isAbsolute, join, normalize } from 'node:path';
import { CutoverError, errnoOf, messageOf } from '../../base/errors.ts';
import { oneWord } from '../../base/one-word.ts';
import { readRegularFile } from '../../base/regular-file.ts';
import type { Access, Channel } from './channel.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The secret that lets a channel in: from the configuration itself, a file, a credential of the service manager
 * (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)), or a variable, the first that is given.
 * @returns null when none is given, or the variable is not set: the channel is silently off
 * @throws `config` when one is given and cannot be read; the message holds nothing of it
 */
export async function readSecret(
  { secretKey }: Pick<Channel, 'secretKey'>,
  options: Access['options'],
  env: Environment,
): Promise<string | null> {
  const given = (suffix: string): string | null => (options[`${secretKey}${suffix}`] as string | null) ?? null;
  const [inline, file, credential, variable] = ['', 'File', 'Credential', 'Env'].map(given);
  if (inline) return inline;
  if (file) return oneWord(await read(file), file);
  if (credential) {
    const path = credentialPath(credential, env);
    return oneWord(await read(path), path);
  }
  const value = variable ? env[variable]?.trim() : undefined;
  return value ? oneWord(value, `$${variable}`) : null;
}

function credentialPath(name: string, { CREDENTIALS_DIRECTORY: directory }: Environment): string {
  if (normalize(name) !== name || isAbsolute(name) || name.includes('/') || name.startsWith('.'))
    throw new CutoverError('config', `"${name}" is no name of a credential`);
  if (!directory) throw new CutoverError('config', `there is no credential ${name}: no service manager gave any`);
  return join(directory, name);
}

async function read(path: string): Promise<string> {
  return readRegularFile(path).catch((error: unknown) => {
    const facts: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'permission denied' };
    throw new CutoverError('config', `cannot read ${path}: ${facts[errnoOf(error) ?? ''] ?? messageOf(error)}`);
  });
}
