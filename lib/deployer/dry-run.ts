import { ExitCode } from '../base/errors.ts';
import { isSafe } from '../checks/check.ts';
import { downtimeMeter } from '../deploy/downtime.ts';
import { planOf } from '../deploy/plans.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { DeployOptions } from './deploy.ts';
import { stagePlan } from './pipeline.ts';
import type { Place } from './place.ts';
import { askPreflight, readSituation } from './situation.ts';

/** A build that is not there yet, in the sentences of a plan. */
const toBeBuilt = 'the new build';

/** What a deploy would do. */
export interface DryRun {
  target: string;
  from: string | null;
  /** null: there is none, or a hook would make it */
  to: string | null;
  steps: { name: string; does: string }[];
  safe: boolean;
  exit_code: number;
}

/** Asks the checks and lists the steps that a deploy would take; changes nothing. */
export async function dryRun(place: Place, options: DeployOptions): Promise<DryRun> {
  const { target, config, systemd, emit, redact } = place;
  const situation = await readSituation(place, options.build);
  const stages = stagePlan(target, options.build);
  const isBuilding = stages.some(({ name }) => name === 'build');
  const { facts, from, current } = situation;
  const to = isBuilding ? toBeBuilt : situation.candidate;
  const answers = await askPreflight(place, situation, { ...options, mayMend: false });
  const safe = isSafe(answers.filter(({ name }) => !isBuilding || name !== 'candidate'));
  const isNeeded = to !== null && (current !== to || options.isForced || options.isFixForward);
  const { app, manager, logs } = config;
  const known = { run: 'dry-run', kind: 'deploy' as const, startedAt: new Date().toISOString() };
  const before = { invocationBefore: facts.invocationId, memoryBefore: facts.memoryBytes };
  const inputs: RunInputs = { ...known, ...before, app, manager, logs, target, from, to: to ?? '', back: from };
  const tools = { systemd, emit, redact, transcript: [], meter: downtimeMeter(target.ports, async () => []) };
  const plan = isNeeded ? planOf(inputs, tools).map(({ name, does }) => ({ name, does })) : [];
  const steps = [...stages, ...plan];
  const isReady = safe || options.isForced;
  const exit_code = to === null ? ExitCode.noBuild : isReady ? ExitCode.done : ExitCode.refused;
  return { target: target.name, from, to: isBuilding ? null : to, steps, safe, exit_code };
}
