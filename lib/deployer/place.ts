import type { Command } from '../base/exec.ts';
import type { Redact } from '../base/redactor.ts';
import { CutoverError } from '../base/errors.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import type { Emit } from '../run/events.ts';
import type { RunInputs } from '../run/inputs.ts';
import { type StatePaths, statePaths } from '../run/state.ts';
import type { Systemd } from '../systemd/systemd.ts';

/** One target and all that is needed to work on it. Everything comes from outside. */
export interface Place {
  config: Config;
  target: TargetConfig;
  paths: StatePaths;
  systemd: Systemd;
  /** the same with no more rights than the owner of the state has, for what is only known from there */
  ownersSystemd: Systemd;
  emit: Emit;
  /** takes the secrets that the configuration knows out of a text */
  redact: Redact;
  /** aborted when the person interrupts */
  signal: AbortSignal;
  /** what systemd runs when this process dies in the middle of a run */
  settle: Command;
  /** the environment that the settle command needs */
  environment: Record<string, string>;
}

/**
 * The target of that name; without a name the only one there is.
 * @throws `usage` naming the known targets
 */
export function targetNamed(config: Config, name: string | undefined): TargetConfig {
  const names = Object.keys(config.targets);
  const known = `known targets: ${names.join(', ')}`;
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  if (chosen === undefined)
    throw new CutoverError('usage', 'several targets are configured, so one must be named', { mend: known });
  const target = Object.hasOwn(config.targets, chosen) ? config.targets[chosen] : undefined;
  if (!target) throw new CutoverError('usage', `there is no target ${chosen}`, { mend: known });
  return target;
}

/** What a run's inputs hold of the place that it is for. */
export function placeInputs({
  config,
  target,
}: Pick<Place, 'config' | 'target'>): Pick<RunInputs, 'app' | 'manager' | 'logs' | 'configFile' | 'target'> {
  const { app, manager, logs, file: configFile } = config;
  return { app, manager, logs, configFile, target };
}

/** Where the target's state is kept. */
export function pathsOf(config: Config, target: TargetConfig): StatePaths {
  return statePaths({ state: config.state, app: config.app, target: target.name });
}
