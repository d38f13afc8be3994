import { join } from 'node:path';
import type { TargetConfig } from './model.ts';

/** What a command of the user, a hook or a check, is told of what it is run for. */
export interface CommandContext {
  app: string;
  target: TargetConfig;
  /** null: it belongs to no run */
  run: string | null;
  /** the candidate; null: there is none yet */
  build: string | null;
  /** the build that `current` names now */
  current: string | null;
  /** the build before, which a failure goes back to */
  previous: string | null;
  /** of the candidate's source */
  revision: string | null;
  /** the branch that it was made from, or that was pushed */
  branch?: string | null;
  /** how the run ended, for what runs afterwards */
  outcome?: string;
}

/**
 * What a user's command finds in its environment beyond what every command does: the target's `environment`, and over it
 * the `CUTOVER_` names of the contract. A value that there is not is empty, so that `set -u` does no harm.
 */
export function commandEnvironment(context: CommandContext): Record<string, string> {
  const { app, target, run, build, current, previous, revision, branch = null, outcome } = context;
  const told = {
    APP: app,
    TARGET: target.name,
    UNIT: target.unit,
    RUN: run,
    BUILD: build,
    BUILD_DIR: build === null ? null : join(target.builds, build),
    CURRENT: current,
    PREVIOUS: previous,
    PORT: target.ports.join(' '),
    REVISION: revision,
    BRANCH: branch,
    ...(outcome === undefined ? {} : { OUTCOME: outcome }),
  };
  const contract = Object.entries(told).map(([name, value]) => [`CUTOVER_${name}`, value ?? '']);
  return { ...target.environment, ...Object.fromEntries(contract) };
}
