import { ExitCode } from '../base/errors.ts';
import { serve } from '../triggers/serve.ts';
import type { Run } from './command.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

/** An answer that is under way has this long once the receiver is to end. */
const lastAnswersMs = 8_000;

export const run: Run = async (_words, options, terminal) => {
  const signal = interruptSignal();
  const config = await configFor(options, terminal);
  const listening = await serve({ config, env: terminal.env });
  if (!options.quiet) terminal.tell(`cutover listens on ${listening.where}\n`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await listening.close(lastAnswersMs);
  return ExitCode.done;
};
