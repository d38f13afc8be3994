import { isCutoverError } from '../../base/errors.ts';
import { readIfThere } from '../../base/files.ts';
import { findConfig, loadConfig } from '../../config/load.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import type { InitOptions } from '../init.ts';
import { draftFor } from './drafting.ts';
import type { FoundBuilds } from './layout.ts';
import { defaultConfigPath, type Surroundings } from './places.ts';
import { type ConfigText, readConfigText } from './strategy/config-file.ts';

/** A unit with the configuration that tells of it. */
export interface Configured {
  config: Config;
  target: TargetConfig;
  text: ConfigText;
}

interface Configuring {
  systemd: Systemd;
  surroundings: Surroundings;
  signal: AbortSignal;
  /** where its builds are to be, where it has none yet */
  builds?: FoundBuilds | undefined;
}

/**
 * The configuration that has the unit as a target: the one that is there, or, where there is none at all, one that is made
 * from what systemd knows and is yet to be written.
 * @throws `config`, `refused` when the one that is there has no such target; what `draftFor` throws
 */
export async function configuredUnit(
  unit: string,
  options: InitOptions,
  { systemd, surroundings, signal, builds }: Configuring,
): Promise<Configured> {
  const path = options.output ?? (await foundIn(surroundings)) ?? defaultConfigPath(surroundings);
  const isThere = (await readIfThere(path)) !== null;
  const there = isThere ? await loadConfig(path) : null;
  const target = Object.values(there?.targets ?? {}).find((one) => one.unit === unit);
  const isOtherManager = options.manager === 'user' && there?.manager === 'system';
  if (there && target && !isOtherManager) return { config: there, target, text: await readConfigText(path) };
  const about = { systemd, manager: options.manager, path, env: surroundings.env, signal, builds };
  const drafted = await draftFor(unit, options, about);
  const { text, mode, refuse } = drafted.file;
  const refusal = isThere ? await refuse('') : null;
  if (refusal) throw refusal;
  return { config: drafted.config, target: drafted.target, text: { path, text, mode, isThere: false, refuse } };
}

async function foundIn({ env, cwd }: Surroundings): Promise<string | null> {
  return findConfig({ env, cwd }).catch((error: unknown) => {
    if (!isCutoverError(error, 'config')) throw error;
    return null;
  });
}
