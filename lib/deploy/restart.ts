import { openController } from '../base/wait.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import { rehearseBinding } from '../systemd/bindable.ts';
import type { ReadyQuestion } from '../systemd/ready-question.ts';
import { startAlongside } from './alongside.ts';
import { checkSteps } from './configured-checks.ts';
import { migrateSteps, smokeSteps } from './hook-steps.ts';
import { freePorts } from './free-port.ts';
import { beginGate, type BegunLook } from './gate.ts';
import { endLeftOvers, stopWithLeftOvers } from './leftovers.ts';
import type { PortOwners } from './ports.ts';
import { prepareStart, type ReadyStart } from './ready-start.ts';
import { prepareJournal } from './limits.ts';
import { startProven, startUnit, stopUnit, untilReady, untilStopped } from './start.ts';
import type { StartFacts } from './started.ts';
import {
  asFarAsThereIsAWayBack,
  buildOfProcess,
  gateStep,
  gateSubject,
  type PlanTools,
  type StrategyTools,
  swapStep,
  type Watched,
} from './strategy.ts';

/** What the steps between two builds hand on: the start is prepared while the old build stops. */
interface Launch extends Watched {
  /** undefined: it could not be, and is to be tried once more */
  ready?: Promise<ReadyStart | undefined>;
}

/**
 * Any unit: the old build stops, the port is seen free, the link moves, the new build starts and is proven.
 * The port is down from `stop` to the end of `start`.
 */
export function restartPlan(inputs: RunInputs, tools: PlanTools): Step[] {
  const launch: Launch = {};
  return asFarAsThereIsAWayBack(inputs, [
    stopStep(inputs, tools, launch),
    freePortStep(inputs, tools),
    ...migrateSteps(inputs, tools),
    // Nothing listens: a wait for the disk here is one for everybody.
    { ...swapStep(inputs), isUndoneAtBoot: true },
    startStep(inputs, tools, launch),
    gateStep(inputs, tools, launch),
    ...checkSteps(inputs, tools),
    ...smokeSteps(inputs, tools),
  ]);
}

function stopStep(inputs: RunInputs, tools: StrategyTools, launch: Launch): Step {
  const { target } = inputs;
  const { systemd, meter } = tools;
  return {
    name: 'stop',
    does: `stop ${target.unit}, within ${target.stopTimeoutMs / 1000} s`,
    apply: async (signal) => {
      await rehearseBinding();
      const stopping = stopUnit(systemd, target, signal, { isServing: true });
      // Looks before this turn ends. What it asks comes behind the stop on the same bus, as does what the start needs to know:
      // that is answered while the process ends.
      meter.start();
      launch.ready = prepareStart(systemd, target.unit).catch(() => undefined);
      return stopping;
    },
    revert: () => startBack(inputs, tools),
  };
}

function freePortStep({ target }: RunInputs, { systemd }: StrategyTools): Step {
  return {
    name: 'free-port',
    does: `see that nobody listens on ${target.ports.join(', ') || 'any port'}`,
    isLook: true,
    apply: (signal) => freePorts(systemd, target, signal),
  };
}

function startStep(inputs: RunInputs, { systemd, meter, emit }: StrategyTools, launch: Launch): Step {
  const { target, to, back } = inputs;
  return {
    name: 'start',
    does: `start ${target.unit}, and see it listen within ${target.startTimeoutMs / 1000} s`,
    apply: async (signal) => {
      const { began, life } = await startUnit(systemd, target, signal, await launch.ready);
      launch.life = life;
      launch.journal = journalOf(inputs, began, life.ended);
      return { pid: began.mainPid, invocation: began.invocationId };
    },
    prove: async (signal) => {
      await seeListening(inputs, { systemd, meter }, { launch, signal });
      await startAlongside(inputs, { systemd, emit }, signal);
    },
    isGoneAtBoot: true,
    revert: async () => {
      // A way back that was cut off after it had started the build before need not stop it again.
      if (back !== to && back !== null && (await buildOfProcess(inputs, systemd)) === back) return;
      // Before the database is put back as well: what serves writes.
      await stopWithLeftOvers(systemd, target);
    },
  };
}

/** The gate reads the journal: most builds have to load before they listen, and leave time to begin that. */
function journalOf({ target, manager }: RunInputs, began: StartFacts, signal: AbortSignal): ReadyQuestion | null {
  const { unit, limits } = target;
  return prepareJournal({ unit, invocationId: began.invocationId }, { limits, manager, signal });
}

/** The gate's first look is begun with the look that finds the ports open. */
async function seeListening(
  inputs: RunInputs,
  { systemd, meter }: Pick<StrategyTools, 'systemd' | 'meter'>,
  { launch, signal }: { launch: Launch; signal: AbortSignal },
): Promise<void> {
  const { life, journal } = launch;
  if (!life) return;
  const whenOpen = (owners: Promise<PortOwners>): BegunLook | null =>
    beginGate(gateSubject(inputs), { systemd, life, journal, signal }, owners);
  try {
    launch.first = await untilReady(systemd, inputs.target, { life, opened: meter.opened, whenOpen, signal });
  } catch (error) {
    // A shell that waits for its word would be in the way of the next run's scope.
    journal?.drop();
    throw error;
  }
}

/** Starts the build that `current` names again; on a first deploy there is none, and the unit stays stopped. */
async function startBack(inputs: RunInputs, { systemd, meter, emit }: StrategyTools): Promise<void> {
  const { target, back } = inputs;
  if (back === null) return;
  const { signal } = openController();
  await untilStopped(systemd, target, signal);
  // After a boot, or by another hand, the unit may have been started from a build that was never proven.
  const running = await buildOfProcess(inputs, systemd);
  if (running !== undefined && running !== back) await stopWithLeftOvers(systemd, target);
  await endLeftOvers(systemd, target);
  await startProven(systemd, target, { opened: meter.opened, signal });
  await startAlongside(inputs, { systemd, emit }, signal);
}
