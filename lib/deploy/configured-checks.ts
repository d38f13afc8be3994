import { originOf } from '../builds/origin.ts';
import { type Check, type CheckAnswer, askAll, pass } from '../checks/check.ts';
import { type ConfiguredCheck, configuredChecks, isAnyConfigured, softened } from '../checks/configured.ts';
import type { CommandContext } from '../config/command-environment.ts';
import { StepFailure } from '../run/failure.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import type { PlanTools } from './strategy.ts';

/**
 * The configured questions as they are asked before a deploy. What asks the running service itself is not asked on a
 * first deploy, and only warns where a service that is down is to be repaired; everything else must hold then too.
 */
export function asBefore(
  checks: readonly ConfiguredCheck[],
  { isFirst, isFixForward }: { isFirst: boolean; isFixForward: boolean },
): Check[] {
  return checks.map(({ name, ask, isAboutService }) => {
    if (!isAboutService) return { name, ask };
    if (isFirst) return { name, ask: async () => pass('nothing is deployed yet', 'not asked on a first deploy') };
    return isFixForward ? { name, ask: async () => softened(await ask()) } : { name, ask };
  });
}

/**
 * Asks what is configured to be asked after a deploy, when the gate has found the candidate good: one bad answer is a
 * reason to go back. On the way back nothing is asked; in a rollback, the same.
 * @returns the step, or none where nothing is configured
 */
export function checkSteps(inputs: RunInputs, tools: PlanTools): Step[] {
  const { checks } = inputs.target;
  if (!isAnyConfigured(inputs.target, 'after')) return [];
  const names = checks.filter(({ when }) => when.includes('after')).map(({ name }) => name);
  return [
    {
      name: 'checks',
      does: `ask ${names.join(', ')}`,
      isLook: true,
      apply: async (signal) => {
        const answers = await askAfter(inputs, tools, signal);
        signal.throwIfAborted();
        requirePassed(answers);
        return { checks: answers.length };
      },
    },
  ];
}

async function askAfter(inputs: RunInputs, tools: PlanTools, signal: AbortSignal): Promise<CheckAnswer[]> {
  const { app, target, run, to, back, manager } = inputs;
  const { revision, branch } = await originOf(target.builds, to);
  const context: CommandContext = { app, target, run, build: to, current: to, previous: back, revision, branch };
  const { systemd, emit, redact, answers } = tools;
  const subject = { context, manager, systemd, redact, signal, mayMend: true };
  const asked = await configuredChecks('after', subject);
  const found = await askAll(asked, (answer) => emit({ type: 'check', answer: { ...answer, when: 'after' } }));
  answers?.push(...found.map((answer): CheckAnswer => ({ ...answer, when: 'after' })));
  return found;
}

/** @throws `StepFailure` */
function requirePassed(answers: readonly CheckAnswer[]): void {
  const bad = answers.filter(({ status }) => status === 'fail');
  if (bad.length === 0) return;
  const what = bad.map(({ name, observed, expected }) => `${name}: ${observed} (expected: ${expected})`);
  throw new StepFailure('health', what.join('; '));
}
