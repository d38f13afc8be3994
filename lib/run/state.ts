import { join } from 'node:path';

/** Where a target's state is kept. */
export interface StatePaths {
  directory: string;
  lock: string;
  inFlight: string;
  runs: string;
  evidence: string;
  quarantine: string;
}

/** The paths below `<state>/<app>/<target>`. */
export function statePaths({ state, app, target }: { state: string; app: string; target: string }): StatePaths {
  return statePathsIn(join(state, app, target));
}

/** The same, for a directory that is known already. */
export function statePathsIn(directory: string): StatePaths {
  return {
    directory,
    lock: join(directory, 'lock'),
    inFlight: join(directory, 'in-flight'),
    runs: join(directory, 'runs'),
    evidence: join(directory, 'evidence'),
    quarantine: join(directory, 'quarantine.json'),
  };
}

/** The ledger of a run. */
export function ledgerPath(paths: StatePaths, run: string): string {
  return join(paths.runs, `${run}.jsonl`);
}
