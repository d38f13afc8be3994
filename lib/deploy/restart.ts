import { join } from 'node:path';
import { openController } from '../base/wait.ts';
import { currentBuild } from '../builds/current.ts';
import { removeCurrent, swapCurrent } from '../builds/swap.ts';
import { StepFailure } from '../run/failure.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import type { Systemd } from '../systemd/systemd.ts';
import type { DowntimeMeter } from './downtime.ts';
import { freePorts } from './free-port.ts';
import { type GateTools, passGate } from './gate.ts';
import { servingBuild } from './identity.ts';
import { type UnitLife, watchLife } from './life.ts';
import { prepareStart, type ReadyStart, startProven, startUnit, stopUnit, untilReady } from './start.ts';

/** What a strategy works with. */
export interface StrategyTools extends Omit<GateTools, 'life' | 'signal'> {
  meter: DowntimeMeter;
}

/**
 * Any unit: the old build stops, the port is seen free, the link moves, the new build starts and is proven.
 * The port is down from `stop` to the end of `start`.
 */
export function restartPlan(inputs: RunInputs, tools: StrategyTools): Step[] {
  const launch: Launch = {};
  const steps = [
    stopStep(inputs, tools),
    freePortStep(inputs, tools, launch),
    swapStep(inputs),
    ...startAndGateSteps(inputs, tools, launch),
  ];
  const isFirst = inputs.from === null;
  // A rollback from a build that is broken itself has nowhere better to go: what it did stays.
  return inputs.back !== null || isFirst
    ? steps
    : steps.map(({ name, does, apply, prove }) => ({ name, does, apply, prove }));
}

/** What the steps between two builds hand on: the start is prepared while the port is looked at. */
interface Launch {
  ready?: ReadyStart;
}

function stopStep(inputs: RunInputs, tools: StrategyTools): Step {
  const { target } = inputs;
  return {
    name: 'stop',
    does: `stop ${target.unit}, within ${target.stopTimeoutMs / 1000} s`,
    apply: (signal) => {
      tools.meter.start();
      return stopUnit(tools.systemd, target, signal);
    },
    revert: () => startBack(inputs, tools),
  };
}

function freePortStep({ target }: RunInputs, { systemd }: StrategyTools, launch: Launch): Step {
  return {
    name: 'free-port',
    does: `see that nobody listens on ${target.ports.join(', ') || 'any port'}`,
    isLook: true,
    apply: async (signal) => {
      const preparing = prepareStart(systemd, target.unit);
      const [facts] = await Promise.all([freePorts(systemd, target, signal), preparing]).catch(async (error) => {
        // The way back starts another build, under a watch of its own.
        await preparing.then(({ life }) => life.stop()).catch(() => {});
        throw error;
      });
      launch.ready = await preparing;
      return facts;
    },
  };
}

function swapStep({ target, to, back }: RunInputs): Step {
  const { builds } = target;
  return {
    name: 'swap',
    does: `point ${join(builds, 'current')} at ${to}`,
    apply: async () => ({ moved: await swapCurrent(builds, to) }),
    prove: () => requireCurrent(builds, to),
    revert: async () => void (back === null ? await removeCurrent(builds) : await swapCurrent(builds, back)),
  };
}

/** The watch that the start began goes on through the gate, so that no moment between them is unseen. */
function startAndGateSteps(inputs: RunInputs, tools: StrategyTools, launch: Launch): Step[] {
  const { target, manager, to, back, invocationBefore, memoryBefore } = inputs;
  const { unit, builds, startTimeoutMs, health } = target;
  const { systemd, meter } = tools;
  let life: UnitLife | undefined;
  const start: Step = {
    name: 'start',
    does: `start ${unit}, and see it listen within ${startTimeoutMs / 1000} s`,
    apply: async (signal) => {
      const started = await startUnit(systemd, target, signal, launch.ready);
      life = started.life;
      return { pid: started.began.mainPid, invocation: started.began.invocationId };
    },
    prove: async (signal) => {
      if (life) await untilReady(systemd, target, { life, isOpen: meter.isOpen, signal });
    },
    isGoneAtBoot: true,
    revert: async () => {
      // A way back that was cut off after it had started the build before need not stop it again.
      if (back !== to && back !== null && (await buildOfProcess(inputs, systemd)) === back) return;
      await stopUnit(systemd, target);
    },
  };
  const gate: Step = {
    name: 'gate',
    does: `prove that ${to} is what serves, and healthy, in ${health.attempts} attempts`,
    isLook: true,
    apply: async (signal) => {
      life ??= await watchLife(systemd, unit, { isRunning: true });
      const subject = { target, manager, buildPath: join(builds, to), invocationBefore, memoryBefore };
      await passGate(subject, { ...tools, life, signal }).finally(life.stop);
    },
  };
  return [start, gate];
}

/** Starts the build that `current` names again; on a first deploy there is none, and the unit stays stopped. */
async function startBack(inputs: RunInputs, { systemd, meter }: StrategyTools): Promise<void> {
  const { target, back } = inputs;
  if (back === null) return;
  const { signal } = openController();
  // After a boot, or by another hand, the unit may have been started from a build that was never proven.
  const running = await buildOfProcess(inputs, systemd);
  if (running !== undefined && running !== back) await stopUnit(systemd, target);
  await startProven(systemd, target, { isOpen: meter.isOpen, signal });
}

/** The build that the unit's process runs from; null: none of them, or not to be seen; undefined: there is no process. */
async function buildOfProcess({ target }: RunInputs, systemd: Systemd): Promise<string | null | undefined> {
  const { mainPid } = await systemd.facts(target.unit);
  return mainPid === 0 ? undefined : servingBuild(target.builds, { mainPid, current: null });
}

async function requireCurrent(builds: string, to: string): Promise<void> {
  const found = await currentBuild(builds);
  if (found !== to)
    throw new StepFailure('systemd', `current names ${found ?? 'no build'} right after it was moved to ${to}`);
}
