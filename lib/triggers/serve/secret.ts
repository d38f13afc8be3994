import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, messageOf } from '../../base/errors.ts';
import { oneWord } from '../../base/one-word.ts';

/** The credential that the receiver looks for where the configuration names no file (`LoadCredential=`, systemd.exec(5)). */
export const secretCredential = 'cutover-webhook.secret';
const leastCharacters = 16;
const othersBits = 0o007;

/** The keys of [serve] that name such a file. */
type SecretKey = 'secret_file' | 'token_file';

/**
 * The secret that signs requests: from `[serve].secret_file`, otherwise from the credential of the service manager.
 * @throws `config` when there is none, or it cannot be read, is empty, or may be read by everybody; nothing of it is told
 */
export async function readWebhookSecret(file: string | null, env: NodeJS.ProcessEnv): Promise<string> {
  const path = webhookSecretPath(file, env);
  if (path !== null) return secretIn(path, 'secret_file');
  throw new CutoverError('config', 'serve has no secret that requests are signed with', {
    mend: makeOne('/etc/cutover/webhook.secret', 'secret_file'),
  });
}

/** Where that secret is looked for. @param file as `[serve].secret_file` has it; null: nowhere said */
export function webhookSecretPath(file: string | null, { CREDENTIALS_DIRECTORY: directory }: NodeJS.ProcessEnv) {
  return file ?? (directory ? join(directory, secretCredential) : null);
}

/**
 * The one word in a file that is for few eyes.
 * @param key of [serve], which names the file
 * @throws `config` as above
 */
export async function secretIn(path: string, key: SecretKey): Promise<string> {
  const { text, mode } = await read(path, key);
  if ((mode & othersBits) !== 0)
    throw new CutoverError('config', `${path} may be read by everybody`, { mend: `chmod 600 ${path}` });
  const secret = oneWord(text, path, makeOne(path, key));
  if (secret.length < leastCharacters)
    throw new CutoverError('config', `the secret in ${path} is shorter than ${leastCharacters} characters`, {
      mend: makeOne(path, key),
    });
  return secret;
}

async function read(path: string, key: SecretKey): Promise<{ text: string; mode: number }> {
  try {
    const file = await open(path, 'r');
    try {
      // The bits of the very file that is read.
      return { mode: (await file.stat()).mode, text: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    const facts: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'permission denied' };
    const isMissing = errnoOf(error) === 'ENOENT';
    const fact = facts[errnoOf(error) ?? ''] ?? messageOf(error);
    throw new CutoverError('config', `cannot read the secret ${path}: ${fact}`, {
      mend: isMissing ? makeOne(path, key) : `ls -l ${path}`,
      cause: error,
    });
  }
}

/** openssl is on every machine that speaks to a git host. */
function makeOne(path: string, key: SecretKey): string {
  return `(umask 077; openssl rand -hex 32 > ${path}), and ${key} = "${path}" in [serve]`;
}
