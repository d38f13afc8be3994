import { environmentOf } from '../base/environment.ts';
import { isRootsAlone } from '../base/roots-alone.ts';
import type { Config } from '../config/model.ts';
import type { Place } from '../deployer/place.ts';
import { openSystemd, reachSystemd, type Systemd } from '../systemd/systemd.ts';
import { becomeOwner, type Owned, otherOwnerOf } from './as-owner.ts';

export type Managers = Pick<Place, 'systemd' | 'ownersSystemd' | 'environment'>;

/** The manager, for whoever changes nothing, or works as it is. */
export function managersAsIs({ manager }: Config, env: NodeJS.ProcessEnv, after?: Promise<unknown>): Managers {
  const systemd = reachSystemd(manager, after);
  return { systemd, ownersSystemd: systemd, environment: settleEnvironment(env) };
}

/** What a configuration is from: a file, the words that were typed, or a ledger, which its owner can write. */
export type Source = 'file' | 'words' | 'ledger';

/**
 * The manager, for whoever changes something, which is done as the user whose the state is. What root's own configuration
 * says is asked of the manager as root all the same: the bus takes the rights of whoever connects when they connect.
 */
export async function managersAsOwner(
  config: Config,
  { owned, env, source }: { owned: Owned; env: NodeJS.ProcessEnv; source: Source },
): Promise<Managers> {
  const owner = await otherOwnerOf(owned[0]);
  // The target's lock is asked of another process first.
  if (owner === null) return managersAsIs(config, env, new Promise(setImmediate));
  const roots = (await isRootsWord(config, source)) ? await rootsManager(config) : null;
  // What root has systemd run must not look for anything in that user's home.
  const environment = settleEnvironment(env);
  becomeOwner(owner, owned, env);
  const managers = managersAsIs(config, env);
  return roots === null ? managers : { systemd: roots, ownersSystemd: managers.systemd, environment };
}

/** Without a file, what is known of a target is from a ledger as well, unless it was typed. */
async function isRootsWord({ file }: Config, source: Source): Promise<boolean> {
  if (source !== 'file' || file === null) return source === 'words';
  return isRootsAlone(file).catch(() => false);
}

/** Null: it is not there now. */
async function rootsManager({ manager }: Config): Promise<Systemd | null> {
  return manager === 'system' ? openSystemd(manager).catch(() => null) : null;
}

/** What the settle command needs of the surroundings. */
function settleEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return environmentOf(env, ['HOME', 'XDG_RUNTIME_DIR', 'PATH']);
}
