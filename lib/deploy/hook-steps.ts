import { join } from 'node:path';
import { currentBuild } from '../builds/current.ts';
import type { CommandContext } from '../config/command-environment.ts';
import { runHooks, textOf } from '../run/hooks.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import type { PlanTools } from './strategy.ts';

/**
 * Changes the database before the candidate starts. Nothing takes it back by itself. A rollback does not migrate.
 * @returns the step, or none where nothing is configured
 */
export function migrateSteps(inputs: RunInputs, tools: PlanTools): Step[] {
  const steps = inputs.kind === 'deploy' ? hookSteps('migrate', inputs, tools) : [];
  return steps.map((step) => ({ ...step, changesData: true }));
}

/** Tests the candidate in service, after the gate. @returns the step, or none where nothing is configured */
export function smokeSteps(inputs: RunInputs, tools: PlanTools): Step[] {
  return hookSteps('smoke', inputs, tools).map((step) => ({ ...step, isLook: true, isGoneAtBoot: true }));
}

function hookSteps(name: 'migrate' | 'smoke', inputs: RunInputs, tools: PlanTools): Step[] {
  const { target, to } = inputs;
  const hooks = target.hooks[name] ?? [];
  if (hooks.length === 0) return [];
  return [
    {
      name,
      does: hooks.map(({ run }) => textOf(run)).join('; '),
      apply: async (signal) => {
        const context = await contextOf(inputs);
        await runHooks({ name, context, dir: join(target.builds, to) }, { ...tools, signal });
        return { hooks: hooks.length };
      },
    },
  ];
}

async function contextOf({
  app,
  target,
  run,
  to,
  back,
  revision = null,
  branch = null,
}: RunInputs): Promise<CommandContext> {
  const current = await currentBuild(target.builds).catch(() => null);
  return { app, target, run, build: to, current, previous: back, revision, branch };
}
