import { ExitCode } from '../base/errors.ts';
import { isSafe } from '../checks/check.ts';
import { deployHooks, requireHookUsers } from '../checks/hook-start.ts';
import { downtimeMeter } from '../deploy/downtime.ts';
import { planOf } from '../deploy/plans.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { DeployOptions } from './deploy.ts';
import { stagePlan } from './pipeline.ts';
import type { Place } from './place.ts';
import { askPreflight, readSituation, type Situation } from './situation.ts';
import { earlyEnding, requireForceAllowed, servesAlready } from './verdict.ts';

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

/** Asks the checks and lists the steps that a deploy would take; changes nothing. @throws what the deploy throws before it begins */
export async function dryRun(place: Place, options: DeployOptions): Promise<DryRun> {
  requireForceAllowed(place, options);
  const { target } = place;
  await requireHookUsers(target, deployHooks);
  const stages = stagePlan(target, options.build);
  const isBuilding = stages.some(({ name }) => name === 'build');
  const found = await readSituation(place, options.build);
  const answers = await askPreflight(place, found, { ...options, mayMend: false });
  // What a hook would make is not judged by what is there.
  const situation = isBuilding ? { ...found, candidate: null } : found;
  const checks = answers.filter(({ name }) => !isBuilding || name !== 'candidate');
  const ending = earlyEnding(place, { situation, checks }, options);
  const to = isBuilding ? toBeBuilt : situation.candidate;
  const isNeeded = to !== null && !servesAlready(place, { situation, checks }, options);
  const planned = [...stages, ...(isNeeded ? planTo(to, place, situation) : [])];
  const steps = planned.map(({ name, does }) => ({ name, does: place.redact(does) }));
  const exit_code = ending?.exit_code ?? ExitCode.done;
  return { target: target.name, from: found.from, to: situation.candidate, steps, safe: isSafe(checks), exit_code };
}

function planTo(to: string, place: Place, { facts, from }: Situation): DryRun['steps'] {
  const { target, config, systemd, emit, redact } = place;
  const { app, manager, logs } = config;
  const known = { run: 'dry-run', kind: 'deploy' as const, startedAt: new Date().toISOString() };
  const before = { invocationBefore: facts.invocationId, memoryBefore: facts.memoryBytes };
  const inputs: RunInputs = { ...known, ...before, app, manager, logs, target, from, to, back: from };
  const tools = { systemd, emit, redact, transcript: [], meter: downtimeMeter(target.ports, async () => []) };
  return planOf(inputs, tools).map(({ name, does }) => ({ name, does }));
}
