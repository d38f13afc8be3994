import { ExitCode } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { downtimeMeter } from '../deploy/downtime.ts';
import { planOf } from '../deploy/plans.ts';
import type { RunInputs } from '../run/inputs.ts';
import { check } from './check.ts';
import { chooseCandidate, type DeployOptions } from './deploy.ts';
import type { Place } from './place.ts';

/** What a deploy would do. */
export interface DryRun {
  target: string;
  from: string | null;
  to: string | null;
  steps: { name: string; does: string }[];
  safe: boolean;
  exit_code: number;
}

/** Asks the checks and lists the steps that a deploy would take; changes nothing. */
export async function dryRun(place: Place, options: DeployOptions): Promise<DryRun> {
  const { target, config, systemd, emit } = place;
  const [from, to, facts] = await Promise.all([
    currentBuild(target.builds),
    chooseCandidate(place, options.build),
    systemd.facts(target.unit),
  ]);
  const { safe } = await check(place, options);
  const unchanged = from === to && !options.isForced;
  const known = {
    invocationBefore: facts.invocationId,
    memoryBefore: facts.memoryBytes,
    startedAt: new Date().toISOString(),
  };
  const inputs: RunInputs = {
    run: 'dry-run',
    kind: 'deploy',
    app: config.app,
    manager: config.manager,
    logs: config.logs,
    target,
    from,
    to: to ?? '',
    back: from,
    ...known,
  };
  const tools = { systemd, emit, transcript: [], meter: downtimeMeter(target.ports) };
  const steps = unchanged || to === null ? [] : planOf(inputs, tools).map(({ name, does }) => ({ name, does }));
  const isReady = safe || options.isForced;
  const exit_code = to === null ? ExitCode.noBuild : isReady ? ExitCode.done : ExitCode.refused;
  return { target: target.name, from, to, steps, safe, exit_code };
}
