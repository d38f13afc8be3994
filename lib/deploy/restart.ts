import { join } from 'node:path';
import { currentBuild } from '../builds/current.ts';
import { removeCurrent, swapCurrent } from '../builds/swap.ts';
import { StepFailure } from '../run/failure.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import type { DowntimeMeter } from './downtime.ts';
import { freePorts } from './free-port.ts';
import { type GateTools, passGate } from './gate.ts';
import { type UnitLife, watchLife } from './life.ts';
import { startUnit, stopUnit, untilReady } from './start.ts';

/** What a strategy works with. */
export interface StrategyTools extends Omit<GateTools, 'life' | 'signal'> {
  meter: DowntimeMeter;
}

/**
 * Any unit: the old build stops, the port is seen free, the link moves, the new build starts and is proven.
 * The port is down from `stop` to the end of `start`.
 */
export function restartPlan(inputs: RunInputs, tools: StrategyTools): Step[] {
  const { target, manager, from, to, back } = inputs;
  const { builds, unit, ports } = target;
  const { systemd, meter } = tools;
  let life: UnitLife | undefined;

  const stop: Step = {
    name: 'stop',
    does: `stop ${unit}, within ${target.stopTimeoutMs / 1000} s`,
    apply: (signal) => {
      meter.start();
      return stopUnit(systemd, target, signal);
    },
    revert: () => startBack(inputs, tools),
  };
  const freePort: Step = {
    name: 'free-port',
    does: `see that nobody listens on ${ports.join(', ') || 'any port'}`,
    apply: (signal) => freePorts(systemd, target, signal),
  };
  const swap: Step = {
    name: 'swap',
    does: `point ${join(builds, 'current')} at ${to}`,
    apply: async () => ({ moved: await swapCurrent(builds, to) }),
    prove: async () => requireCurrent(builds, to),
    revert: async () => void (back === null ? await removeCurrent(builds) : await swapCurrent(builds, back)),
  };
  const start: Step = {
    name: 'start',
    does: `start ${unit}, and see it listen within ${target.startTimeoutMs / 1000} s`,
    apply: async (signal) => {
      const started = await startUnit(systemd, target, signal);
      life = started.life;
      return { pid: started.facts.mainPid, invocation: started.facts.invocationId };
    },
    prove: (signal) => untilReady(systemd, { unit, ports, startTimeoutMs: target.startTimeoutMs }, { life: life as UnitLife, signal }),
    revert: async () => void (await stopUnit(systemd, target)),
  };
  const gate: Step = {
    name: 'gate',
    does: `prove that ${to} is what serves, and healthy, in ${target.health.attempts} attempts`,
    apply: async (signal) => {
      life ??= await watchLife(systemd, unit, { isRunning: true });
      const { invocationBefore, memoryBefore } = inputs;
      const subject = { target, manager, buildPath: join(builds, to), invocationBefore, memoryBefore };
      await passGate(subject, { ...tools, life, signal }).finally(life.stop);
    },
  };
  const steps = [stop, freePort, swap, start, gate];
  // A rollback from a build that is broken itself has nowhere better to go: what it did stays.
  return back === null && from !== null ? steps.map(({ revert: _, ...step }) => step) : steps;
}

/** Starts the build that `current` names again; on a first deploy there is none, and the unit stays stopped. */
async function startBack({ target, back }: RunInputs, { systemd }: StrategyTools): Promise<void> {
  if (back === null) return;
  const never = new AbortController().signal;
  const { life } = await startUnit(systemd, target, never);
  await untilReady(systemd, target, { life, signal: never }).finally(life.stop);
}

async function requireCurrent(builds: string, to: string): Promise<void> {
  const found = await currentBuild(builds);
  if (found !== to) throw new StepFailure('systemd', `current names ${found ?? 'no build'} right after it was moved to ${to}`);
}
