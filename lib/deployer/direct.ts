import { basename } from 'node:path';
import { directApp, directConfig } from '../config/direct.ts';
import type { Config, ManagerKind } from '../config/model.ts';
import { defaultState, type Environment } from '../config/parse.ts';
import { newestRun } from '../run/history.ts';
import { statePaths } from '../run/state.ts';

/**
 * The target that was deployed last under this name without a configuration. Of its ledger no more is taken than can be typed for
 * such a deploy, since whoever owns the ledger may write anything into it.
 * @returns null: nothing was deployed so
 */
export async function deployedDirectly(name: string, env: Environment): Promise<Config | null> {
  if (basename(name) !== name || name.startsWith('.')) return null;
  for (const manager of ['system', 'user'] as const) {
    const found = await recorded(name, { manager, state: defaultState(manager, env) });
    if (found !== null) return found;
  }
  return null;
}

async function recorded(
  name: string,
  { manager, state }: { manager: ManagerKind; state: string },
): Promise<Config | null> {
  const record = await newestRun(statePaths({ state, app: directApp, target: name })).catch(() => null);
  if (!record) return null;
  const { unit, builds, ports } = record.inputs.target;
  const config = directConfig({ unit, builds, ports, manager });
  return Object.hasOwn(config.targets, name) ? config : null;
}
