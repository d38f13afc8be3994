import { targetNamed } from '../deployer/place.ts';
import { rollback } from '../deployer/rollback.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run } from './command.ts';
import { tellOutcome } from './outcome.ts';
import { configFor, placeOf } from './place.ts';
import { targetFirst } from './target-first.ts';
import { waitMsOf } from './waiting.ts';

export const run: Run<{ wait?: string | number | boolean }> = async (words, options, terminal) => {
  const [name, build] = targetFirst(words);
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const waitMs = waitMsOf(options.wait);
  const place = await placeOf(config, target, { options, terminal, log: true });
  const document = await whileWorking(place, terminal, () => rollback(place, { build, waitMs }));
  const exitCode = tellOutcome(document, place, { options, terminal });
  await afterwards(document, place, { terminal });
  return exitCode;
};
