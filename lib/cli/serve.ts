import { CutoverError, ExitCode } from '../base/errors.ts';
import type { Command } from '../base/exec.ts';
import { ownExecutable } from '../base/own-files.ts';
import type { Config } from '../config/model.ts';
import { tellReady } from '../systemd/notify.ts';
import { reachSystemd } from '../systemd/systemd.ts';
import { serve } from '../triggers/serve.ts';
import { serveLog } from '../triggers/serve/log.ts';
import { feedWatchdog } from '../triggers/serve/watchdog.ts';
import type { Run } from './command.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

export const run: Run = async (_words, options, terminal) => {
  if (options.json)
    throw new CutoverError('usage', '--json prints one document, and serve has no end', { mend: 'cutover serve' });
  const signal = interruptSignal();
  const config = await configFor(options, terminal);
  const { env } = terminal;
  const log = serveLog((line) => terminal.tell(`${line}\n`), env.JOURNAL_STREAM !== undefined);
  const systemd = reachSystemd(config.manager);
  const receiver = await serve({ config, env, systemd, log, request: requestCommand(config) });
  log.tell(6, `cutover listens on ${receiver.where}`);
  const stopFeeding = feedWatchdog(env);
  await tellReady(env);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  log.tell(6, 'the receiver ends: what is being answered is answered, what waits is kept');
  await receiver.end();
  stopFeeding();
  systemd.close();
  return ExitCode.done;
};

/** systemd knows neither our directory nor our PATH: everything is named in full. */
function requestCommand({ file }: Config): Command {
  return [process.execPath, ownExecutable(), 'request', ...(file === null ? [] : ['--config', file])];
}
