import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { userDirectory } from '../base/xdg.ts';
import { CutoverError, errnoOf, isCutoverError, messageOf } from '../base/errors.ts';
import type { Config } from './model.ts';
import { type Environment, parseConfig } from './parse.ts';

export { parseConfig } from './parse.ts';

/** The machine's configuration, which everybody finds who has none that is nearer. */
export const machineFile = '/etc/cutover/cutover.toml';

/**
 * Finds the configuration: `--config`, `$CUTOVER_CONFIG`, `./cutover.toml`, the user's, the machine's.
 * One that is named is taken at its word and not looked for elsewhere.
 * @throws `config` with the places looked at when there is none
 */
export async function findConfig({
  explicit,
  env,
  cwd,
}: {
  explicit?: string | undefined;
  env: Environment;
  cwd: string;
}): Promise<string> {
  const named = explicit ?? (env.CUTOVER_CONFIG || undefined);
  if (named !== undefined) return resolve(cwd, named);
  const places = placesOf(env, cwd);
  const [here, ...others] = places;
  if (isThereToSee(here)) return here;
  const found = others.find(isThere);
  if (found !== undefined) return found;
  throw new CutoverError('config', `no configuration found; looked at ${places.join(', ')}`, {
    mend: 'cutover init <unit>',
  });
}

/**
 * Reads, checks and completes a configuration file.
 * @throws `config` when it cannot be read, is no TOML, or says something wrong
 */
export async function loadConfig(file: string): Promise<Config> {
  const { text, mode } = readConfigFile(file);
  return parseText(text, { file, mode });
}

/**
 * The same for a text that is at hand, such as one that is to be written.
 * @param about where it stands or will stand, and the permission bits that it has there
 */
export async function parseText(text: string, { file, mode }: { file: string; mode: number }): Promise<Config> {
  return parseConfig(await parseToml(text, file), file, { mode });
}

function placesOf(env: Environment, cwd: string): [here: string, ...others: string[]] {
  const home = userDirectory('XDG_CONFIG_HOME', env);
  return [join(cwd, 'cutover.toml'), join(home, 'cutover/cutover.toml'), machineFile];
}

/**
 * Where somebody stands may be a directory that this user may not look into, such as the home of who typed `sudo -u deploy`: that
 * names no configuration, and one of the user's own or the machine's is meant.
 */
function isThereToSee(place: string): boolean {
  try {
    lstatSync(place);
  } catch {
    return false;
  }
  return isThere(place);
}

/** A place that may not be looked into counts as there: loading it then says what is in the way. */
function isThere(place: string): boolean {
  try {
    return statSync(place).isFile();
  } catch (error) {
    return errnoOf(error) === 'EACCES';
  }
}

function readConfigFile(path: string): { text: string; mode: number } {
  try {
    // To open a pipe that nobody writes to would last for ever.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // The bits of the very file that is read, not of what may stand at the path a moment later.
      const facts = fstatSync(file);
      if (!facts.isFile() && !facts.isDirectory()) throw notLasting(path);
      return { text: readFileSync(file, 'utf8'), mode: facts.mode };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(error, path);
  }
}

/** Whoever ends an interrupted run reads it again. */
function notLasting(path: string): CutoverError {
  return new CutoverError('config', `cannot read ${path}: it is no file that stays`, {
    mend: 'write the configuration to a file: what ends an interrupted run reads it again',
  });
}

function unreadable(error: unknown, path: string): CutoverError {
  if (isCutoverError(error)) return error;
  const cases: Record<string, [fact: string, mend: string]> = {
    ENOENT: ['there is no such file', `ls -l ${path}; or write one: cutover init <unit>`],
    EACCES: ['permission denied', `ls -l ${path}; run as its owner, or with sudo`],
    EISDIR: ['it is a directory', `cutover --config ${join(path, 'cutover.toml')}`],
  };
  const [fact, mend] = cases[errnoOf(error) ?? ''] ?? [messageOf(error), `ls -l ${path}`];
  return new CutoverError('config', `cannot read ${path}: ${fact}`, { mend, cause: error });
}

async function parseToml(text: string, file: string): Promise<unknown> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of the message quotes the lines around, and with them perhaps a secret.
    const fact = error.message.split('\n', 1)[0]?.replace('Invalid TOML document: ', '');
    throw new CutoverError('config', `${file}: line ${error.line}, column ${error.column}: ${fact}`, {
      mend: `edit line ${error.line} of ${file}, then: cutover config --check --config ${file}`,
    });
  }
}
