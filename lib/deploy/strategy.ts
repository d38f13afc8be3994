import { join } from 'node:path';
import type { Redact } from '../base/redactor.ts';
import { readLinkIfThere } from '../base/links.ts';
import { currentBuild } from '../builds/current.ts';
import { currentPath } from '../builds/layout.ts';
import { removeCurrent, swapCurrent } from '../builds/swap.ts';
import type { CheckAnswer } from '../checks/check.ts';
import type { OpenedBackup } from '../database/restore.ts';
import { StepFailure } from '../run/failure.ts';
import { isOneWay, type RunInputs } from '../run/inputs.ts';
import type { StatePaths } from '../run/state.ts';
import type { Step } from '../run/step.ts';
import { isUp } from '../systemd/facts.ts';
import type { ReadyQuestion } from '../systemd/ready-question.ts';
import type { Systemd } from '../systemd/systemd.ts';
import type { DowntimeMeter } from './downtime.ts';
import { type BegunLook, type GateSubject, type GateTools, passGate } from './gate.ts';
import { servingBuild } from './identity.ts';
import { type UnitLife, watchLife } from './life.ts';

/** What a strategy works with. */
export interface StrategyTools extends Omit<GateTools, 'life' | 'signal' | 'first' | 'journal'> {
  meter: DowntimeMeter;
}

/** What a whole plan works with. */
export interface PlanTools extends StrategyTools {
  /** takes the secrets that are known out of what a hook says */
  redact: Redact;
  /** where the runs are recorded; who only asks for the plan has none */
  paths?: StatePaths;
  /** what the configured checks say after the gate is added here, for the document */
  answers?: CheckAnswer[];
  /** aborted when the person interrupts; whoever ends a run that was cut off has none */
  signal?: AbortSignal;
  /** what a restore puts in place; whoever ends one that was cut off has it not, and needs it not */
  opened?: OpenedBackup;
}

/** The watch that a start began goes on through the gate, so that no moment between them is unseen. */
export interface Watched {
  life?: UnitLife;
  /** the gate's first look, begun while the start was proven */
  first?: BegunLook | null;
  /** begun while the start was proven, too */
  journal?: ReadyQuestion | null;
}

/** A rollback from a build that is broken itself has nowhere better to go: what it did stays. */
export function asFarAsThereIsAWayBack(inputs: RunInputs, steps: Step[]): Step[] {
  if (!isOneWay(inputs)) return steps;
  return steps.map(({ revert: _revert, ...step }) => step);
}

/** Moves the link. */
export function swapStep({ target, to, back }: RunInputs): Step {
  const { builds } = target;
  return {
    name: 'swap',
    does: `point ${join(builds, 'current')} at ${to}`,
    apply: async () => ({ moved: await swapCurrent(builds, to) }),
    prove: () => requireCurrent(builds, to),
    revert: async () => void (back === null ? await removeCurrent(builds) : await swapCurrent(builds, back)),
  };
}

/** Decides whether the candidate is good. */
export function gateStep(inputs: RunInputs, tools: StrategyTools, watched: Watched): Step {
  const { target, to } = inputs;
  return {
    name: 'gate',
    does: `prove that ${to} is what serves, and healthy, in ${target.health.attempts} attempts`,
    isLook: true,
    apply: async (signal) => {
      watched.life ??= await watchLife(tools.systemd, target.unit, { isRunning: true });
      const { life, first, journal } = watched;
      await passGate(gateSubject(inputs), { ...tools, life, first, journal, signal }).finally(() => {
        life.stop();
        journal?.drop();
      });
    },
  };
}

/** What is to be proven of a run's build. */
export function gateSubject({ target, manager, to, invocationBefore, memoryBefore }: RunInputs): GateSubject {
  return { target, manager, buildPath: join(target.builds, to), invocationBefore, memoryBefore };
}

/**
 * The build that the unit's main process runs from, or where systemd knows none (`Type=forking`) any of its processes; null: none of
 * the builds, or not to be seen, as where the unit is up without a process; undefined: nothing runs.
 */
export async function buildOfProcess({ target }: RunInputs, systemd: Systemd): Promise<string | null | undefined> {
  const facts = await systemd.facts(target.unit);
  if (facts.mainPid === 0 && !isUp(facts)) return undefined;
  const pids = facts.mainPid > 0 ? [facts.mainPid] : await systemd.processes(target.unit);
  const builds = await Promise.all(pids.map((mainPid) => servingBuild(target.builds, { ...facts, mainPid }, null)));
  return builds.find((build) => build !== null) ?? null;
}

async function requireCurrent(builds: string, to: string): Promise<void> {
  const link = await readLinkIfThere(currentPath(builds));
  const found = link === to ? to : await currentBuild(builds);
  if (found !== to)
    throw new StepFailure('systemd', `current names ${found ?? 'no build'} right after it was moved to ${to}`);
}
