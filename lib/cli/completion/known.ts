import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config, TargetConfig } from '../../config/model.ts';
import type { Terminal } from '../command.ts';
import type { Candidate, Look } from './candidates.ts';
import type { Kind } from './kinds.ts';
import type { Wanted } from './wanted.ts';

type Surroundings = Pick<Terminal, 'env' | 'cwd'>;

/** Looks things up by the configuration that the line names, or the one that is found without. */
export function lookAround(around: Surroundings): Look {
  return async (kind, wanted) => {
    try {
      return await known(kind, wanted, around);
    } catch {
      // Whoever is typing is not to be told of a configuration that is broken or may not be read.
      return [];
    }
  };
}

async function known(kind: Kind, wanted: Wanted, around: Surroundings): Promise<readonly Candidate[]> {
  if (kind === 'unit') {
    const { unitNames } = await import('./unit-names.ts');
    return unitNames(wanted.options.has('--user') ? 'user' : 'system', around.env);
  }
  if (kind === 'user' || kind === 'group') {
    const { accountNames } = await import('./account-names.ts');
    return accountNames(kind);
  }
  if (!['target', 'build', 'run', 'backup'].includes(kind)) return [];
  const config = await configOf(wanted, around);
  if (kind === 'target') return targetsLeft(wanted, config);
  const target = targetOf(wanted, config);
  if (!target) return [];
  const records = await import('./records.ts');
  const subject = { config, target, wanted };
  if (kind === 'build') return records.buildNames(subject);
  return kind === 'run' ? records.runNames(subject) : records.backupNames(subject);
}

async function configOf({ options }: Wanted, { env, cwd }: Surroundings): Promise<Config> {
  const { findConfig, loadConfig } = await import('../../config/load.ts');
  const typed = options.get('--config');
  // The shell would have replaced it before the program saw it.
  const explicit = typed?.startsWith('~/') ? join(env.HOME || homedir(), typed.slice(2)) : typed;
  return loadConfig(await findConfig({ explicit, env, cwd }));
}

/** The targets that the line does not name yet, where it may name several. */
function targetsLeft({ row, words, before }: Wanted, { targets }: Config): Candidate[] {
  const given = row?.words.includes('...') ? [...words, ...before.split(/[=,]/)] : [];
  return Object.values(targets)
    .filter(({ name }) => !given.includes(name))
    .map(({ name: value, unit: does }) => ({ value, does }));
}

/** The target that the line names, or the only one there is. */
function targetOf({ words }: Wanted, { targets }: Config): TargetConfig | undefined {
  const [name] = words;
  const all = Object.values(targets);
  return name === undefined && all.length === 1 ? all[0] : all.find((target) => target.name === name);
}
