import { environmentOf } from '../base/environment.ts';
import { isRootsAlone } from '../base/roots-alone.ts';
import type { Config } from '../config/model.ts';
import type { Place } from '../deployer/place.ts';
import { openSystemd, reachSystemd, type Systemd } from '../systemd/systemd.ts';
import { becomeOwner, type Owned, otherOwnerOf } from './as-owner.ts';

export type Managers = Pick<Place, 'systemd' | 'ownersSystemd' | 'environment'>;

/** The manager, for whoever changes nothing, or works as it is. */
export function managersAsIs({ manager }: Config, env: NodeJS.ProcessEnv): Managers {
  const systemd = reachSystemd(manager);
  return { systemd, ownersSystemd: systemd, environment: settleEnvironment(env) };
}

/**
 * The manager, for whoever changes something, which is done as the user whose the state is. What root's own configuration
 * says is asked of the manager as root all the same: the bus takes the rights of whoever connects when they connect.
 * @param isLedgers the configuration is what a ledger holds, which its owner can write
 */
export async function managersAsOwner(
  config: Config,
  { owned, env, isLedgers }: { owned: Owned; env: NodeJS.ProcessEnv; isLedgers: boolean },
): Promise<Managers> {
  const owner = await otherOwnerOf(owned[0]);
  if (owner === null) return managersAsIs(config, env);
  const roots = isLedgers ? null : await rootsManager(config);
  // What root has systemd run must not look for anything in that user's home.
  const environment = settleEnvironment(env);
  becomeOwner(owner, owned, env);
  const managers = managersAsIs(config, env);
  return roots === null ? managers : { systemd: roots, ownersSystemd: managers.systemd, environment };
}

/** Null: somebody else wrote the configuration, or the manager is not there now. */
async function rootsManager({ manager, file }: Config): Promise<Systemd | null> {
  if (manager !== 'system' || (file !== null && !(await isRootsAlone(file).catch(() => false)))) return null;
  return openSystemd(manager).catch(() => null);
}

/** What the settle command needs of the surroundings. */
function settleEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return environmentOf(env, ['HOME', 'XDG_RUNTIME_DIR', 'PATH']);
}
