import { isBuildsFault } from '../run/build-verdicts.ts';
import { reasonOf } from '../run/failure.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import { checkSteps } from './configured-checks.ts';
import { migrateSteps, smokeSteps } from './hook-steps.ts';
import { restartStep, seeUp, swapBack } from './socket.ts';
import { requireSockets } from './socket-units.ts';
import { proveStandIn, standInOf, startStandIn, stopStandIns } from './stand-in.ts';
import {
  asFarAsThereIsAWayBack,
  gateStep,
  type PlanTools,
  type StrategyTools,
  swapStep,
  type Watched,
} from './strategy.ts';

/**
 * A unit whose port belongs to a socket unit, with a stand-in template beside it: the candidate comes up beside the old
 * build on the same socket and is proven there; only then the link moves and the main unit restarts, while the stand-in
 * serves. A bad candidate costs the stand-in alone: the old build never stopped.
 */
export function overlapPlan(inputs: RunInputs, tools: PlanTools): Step[] {
  const watched: Watched = {};
  const standIn = standInOf(inputs.target.unit, inputs.to);
  return asFarAsThereIsAWayBack(inputs, [
    ...migrateSteps(inputs, tools),
    standInStep(inputs, tools),
    { ...swapStep(inputs), revert: () => swapBack(inputs, tools, standIn) },
    restartStep(inputs, tools, { watched, witness: standIn }),
    endingTheStandIn(gateStep(inputs, tools, watched), inputs, tools),
    // Before the stand-in goes: on the way back it serves while the main unit restarts.
    ...checkSteps(inputs, tools),
    ...smokeSteps(inputs, tools),
    retireStep(inputs, tools),
  ]);
}

function standInStep(inputs: RunInputs, tools: StrategyTools): Step {
  const { target, to } = inputs;
  const { systemd } = tools;
  const beside: Watched = {};
  return {
    name: 'stand-in',
    does: `start ${standInOf(target.unit, to)} beside ${target.unit}, and prove it`,
    apply: async (signal) => {
      await openMeasured(inputs, tools);
      const { began, life } = await startStandIn(inputs, systemd, signal);
      beside.life = life;
      return { pid: began.mainPid, invocation: began.invocationId };
    },
    prove: async (signal) => {
      const { life } = beside;
      if (life) await proveStandIn(inputs, { ...tools, life, signal }).finally(life.stop);
    },
    revert: async () => {
      await stopStandIns(systemd, target);
      await seeUp(inputs, tools);
    },
  };
}

/** Sees the sockets open, with no stand-in of an earlier run, and measures from here on whether they are. */
async function openMeasured({ target, from }: RunInputs, { systemd, meter }: StrategyTools): Promise<void> {
  // A closed port is asked by connections: on a first deploy the socket would start the unit with them, and without a build.
  if (from !== null) meter.start();
  // One that an earlier run left would serve a build that nobody asked for, and keep a closed socket from opening.
  await stopStandIns(systemd, target);
  await requireSockets(systemd, target);
  meter.start();
}

/** What the gate found bad in the main unit runs in the stand-in too: whoever connects now rather waits for the build before. */
function endingTheStandIn(gate: Step, { target }: RunInputs, { systemd }: StrategyTools): Step {
  return {
    ...gate,
    apply: async (signal) => {
      try {
        return await gate.apply(signal);
      } catch (error) {
        // What went wrong first is what the person has to mend; the way back stops them again.
        const isBad = isBuildsFault({ step: gate.name, reason: reasonOf(error) });
        if (isBad) await stopStandIns(systemd, target).catch(() => {});
        throw error;
      }
    },
  };
}

/** The main unit serves, and has been proven: the stand-in ends what it answers, and goes. */
function retireStep({ target }: RunInputs, { systemd }: StrategyTools): Step {
  return {
    name: 'retire',
    does: 'stop the stand-in, which ends what it still answers',
    apply: () => stopStandIns(systemd, target),
    prove: () => requireSockets(systemd, target),
  };
}
