import { deploy } from '../deployer/deploy.ts';
import { dryRun } from '../deployer/dry-run.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run } from './command.ts';
import { tellOutcome } from './outcome.ts';
import { configFor, placeOf } from './place.ts';
import { targetNamed } from '../deployer/place.ts';
import { targetFirst } from './target-first.ts';
import { waitMsOf } from './waiting.ts';

interface DeployFlags {
  force?: boolean;
  fixForward?: boolean;
  dryRun?: boolean;
  wait?: string | number | boolean;
}

export const run: Run<DeployFlags> = async (words, options, terminal) => {
  const [name, build] = targetFirst(words);
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const waitMs = waitMsOf(options.wait);
  const place = await placeOf(config, target, { options, terminal, log: !options.dryRun });
  const asked = { build, waitMs, isForced: options.force === true, isFixForward: options.fixForward === true };
  if (options.dryRun) {
    const plan = await dryRun(place, asked);
    if (options.json) terminal.print(JSON.stringify(plan));
    else
      terminal.tell(
        `${plan.from ?? '(nothing)'} -> ${plan.to ?? (plan.steps.some((step) => step.name === 'build') ? '(the new build)' : '(no build)')}\n${plan.steps.map((step) => `  ${step.name.padEnd(15)} ${step.does}\n`).join('')}`,
      );
    return plan.exit_code;
  }
  const document = await whileWorking(place, terminal, () => deploy(place, asked));
  const exitCode = tellOutcome(document, place, { options, terminal });
  await afterwards(document, place, { terminal });
  return exitCode;
};
