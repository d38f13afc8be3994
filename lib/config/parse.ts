import { join } from 'node:path';
import { userDirectory } from '../base/xdg.ts';
import { verifyAcross } from './cross.ts';
import type { Config, ManagerKind } from './model.ts';
import { Problems } from './problems.ts';
import { type Reading, readTable, tablesAt } from './read.ts';
import { documentTable } from './schema/document.ts';
import { targetTable } from './schema/target.ts';
import { findSecrets } from './secrets.ts';
import { isTable } from './values/value-type.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Turns a parsed TOML document into the configuration, with every default filled in.
 * @param file where it came from; null for the direct form
 * @param around the environment that the places for state depend on, and the permission bits of the file
 * @throws `config` with one line for each problem, all of them at once
 */
export function parseConfig(
  document: unknown,
  file: string | null,
  { env = process.env, mode = 0o600 }: { env?: Environment; mode?: number } = {},
): Config {
  const problems = new Problems();
  const root = isTable(document) ? document : {};
  const reading: Reading = { problems, complete: true, secrets: [] };
  const read = readTable(documentTable, [{ path: '', value: root }], reading);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from rows, which carry no types of fields
  const config = { file, ...read, targets: readTargets(root, reading) } as unknown as Config;
  Object.assign(config, placesOf(config, env));
  verifyAcross(config, problems);
  const secrets = [...findSecrets(root), ...reading.secrets.map((path) => path.replaceAll(/\[\d+\]/g, ''))];
  if (file !== null && (mode & 0o077) !== 0) refuseReadableSecrets(secrets, file, mode, problems);
  problems.throwIfAny(file);
  return config;
}

function readTargets(root: Record<string, unknown>, reading: Reading): Record<string, unknown> {
  const { problems } = reading;
  const top = [{ path: '', value: root }];
  const defaults = tablesAt('defaults', top, problems);
  if (defaults.length > 0) readTable(targetTable, defaults, { ...reading, complete: false });
  const found: [string, unknown][] = [];
  for (const targets of tablesAt('targets', top, problems)) {
    for (const name of Object.keys(targets.value).filter((key) => !key.startsWith('x-'))) {
      const own = tablesAt(name, [targets], problems);
      if (own.length > 0) found.push([name, { name, ...readTable(targetTable, [...own, ...defaults], reading) }]);
    }
  }
  return Object.fromEntries(found);
}

function placesOf({ manager, state, logs }: Partial<Config>, env: Environment): { state: string; logs: string } {
  const below = state ?? defaultState(manager ?? 'system', env);
  return { state: below, logs: logs ?? (manager === 'user' ? join(below, 'logs') : '/var/log/cutover') };
}

/** Where state is kept unless the configuration names a place. */
export function defaultState(manager: ManagerKind, env: Environment): string {
  if (manager === 'system') return '/var/lib/cutover';
  return join(userDirectory('XDG_STATE_HOME', env), 'cutover');
}

function refuseReadableSecrets(secrets: string[], file: string, mode: number, problems: Problems): void {
  for (const path of secrets) {
    const bits = (mode & 0o777).toString(8).padStart(3, '0');
    problems.add(
      `${path}: a secret in a file that others can read (got mode ${bits}); expected 600`,
      `chmod 600 ${file}`,
    );
  }
}
