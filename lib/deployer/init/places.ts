import { join } from 'node:path';
import { userDirectory } from '../../base/xdg.ts';
import { isCutoverError } from '../../base/errors.ts';
import { findConfig, machineFile } from '../../config/load.ts';
import type { ManagerKind } from '../../config/model.ts';

/** The surroundings of whoever calls. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  cwd: string;
}

/** Where a new configuration goes: the machine's own place for root, the user's for others. */
export function defaultConfigPath({ env }: Surroundings): string {
  return process.geteuid?.() === 0 ? machineFile : join(userDirectory('XDG_CONFIG_HOME', env), 'cutover/cutover.toml');
}

/** Where an administrator, or a user, puts units of their own (systemd.unit(5), "Unit File Load Path"). */
export function unitDirectory(manager: ManagerKind, { env }: Surroundings): string {
  return manager === 'system' ? '/etc/systemd/system' : join(userDirectory('XDG_CONFIG_HOME', env), 'systemd/user');
}

/** What a command has to be told to use this configuration: nothing where it finds it by itself. */
export async function configOption(path: string, { env, cwd }: Surroundings): Promise<string> {
  const found = await findConfig({ env, cwd }).catch((error: unknown) => {
    if (!isCutoverError(error, 'config')) throw error;
    return null;
  });
  const isFound = found === path || (found === null && path === defaultConfigPath({ env, cwd }));
  return isFound ? '' : ` --config ${path}`;
}
