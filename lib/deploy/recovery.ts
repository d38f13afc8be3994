import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { runHooks, textOf } from '../run/hooks.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step, StepFacts } from '../run/step.ts';
import { isDown } from '../systemd/facts.ts';
import { freePorts } from './free-port.ts';
import { endProcesses } from './leftovers.ts';
import { lookAtPorts, portTaken } from './ports.ts';
import { restartStep } from './socket.ts';
import { startUnit, stopUnit, untilReady } from './start.ts';
import { gateStep, type PlanTools, type Watched } from './strategy.ts';

/**
 * Brings a service back with the build that it has: what is left of it is ended, the place mended, the unit started and
 * proven. Nothing of it is taken back, since there is nothing better to go back to: whoever finds it cut off does it again.
 */
export function recoveryPlan(inputs: RunInputs, tools: PlanTools): Step[] {
  const watched: Watched = {};
  const isBehindSocket = inputs.target.strategy !== 'restart';
  return [
    // Behind a socket one job stops and starts: meanwhile connections wait, and none of them starts the service beside us.
    ...(isBehindSocket ? [] : [endLeftoversStep(inputs, tools)]),
    ...repairSteps(inputs, tools),
    isBehindSocket ? { ...restartStep(inputs, tools, { watched }), name: 'start' } : startStep(inputs, tools, watched),
    gateStep(inputs, tools, watched),
  ];
}

function endLeftoversStep({ target }: RunInputs, tools: PlanTools): Step {
  const { systemd, meter, emit } = tools;
  const { unit, ports } = target;
  return {
    name: 'end-leftovers',
    does: `end what is left of ${unit}`,
    apply: async (signal) => {
      const { strangers } = await lookAtPorts(systemd, unit, ports);
      const stranger = strangers.find(({ holder }) => holder !== null);
      // Only a hook of the user's may know how to make a stranger go: without one, stopping would help nobody.
      if (stranger && !target.hooks.repair) throw portTaken(stranger);
      if (stranger) emit({ type: 'note', message: `${portTaken(stranger).message}, and is not touched` });
      meter.start();
      await stopUnit(systemd, target, signal);
      const ended = await endProcesses(systemd, unit, signal);
      if (ended > 0) emit({ type: 'note', message: `${ended} processes that were left of ${unit} were ended` });
      return { processes: ended };
    },
  };
}

/** The user's way to mend the place. When it fails, or the person interrupts it, the start is tried all the same. */
function repairSteps(inputs: RunInputs, tools: PlanTools): Step[] {
  const { app, target, run, to, revision = null, branch = null } = inputs;
  const hooks = target.hooks.repair ?? [];
  if (hooks.length === 0) return [];
  const context = { app, target, run, build: to, current: to, previous: null, revision, branch };
  const signal = tools.signal ?? openController().signal;
  const apply = async (): Promise<StepFacts> => {
    try {
      await runHooks({ name: 'repair', context, dir: join(target.builds, to) }, { ...tools, signal });
      return { hooks: hooks.length };
    } catch (error) {
      const problem = messageOf(error);
      tools.emit({ type: 'note', message: `the repair failed, and the start is tried all the same: ${problem}` });
      return { message: problem };
    }
  };
  return [{ name: 'repair', does: hooks.map(({ run: line }) => textOf(line)).join('; '), apply }];
}

function startStep({ target }: RunInputs, { systemd, meter }: PlanTools, watched: Watched): Step {
  return {
    name: 'start',
    does: `start ${target.unit}, and see it listen within ${target.startTimeoutMs / 1000} s`,
    isGoneAtBoot: true,
    apply: async (signal) => {
      // The repair may have started it.
      if (isDown(await systemd.property(target.unit, 'Unit', 'ActiveState'))) await freePorts(systemd, target, signal);
      const { began, life } = await startUnit(systemd, target, signal);
      watched.life = life;
      return { pid: began.mainPid, invocation: began.invocationId };
    },
    prove: async (signal) => {
      const { life } = watched;
      if (life) await untilReady(systemd, target, { life, opened: meter.opened, signal });
    },
  };
}
