import { ExitCode } from '../base/errors.ts';
import { ownExecutable, ownInstallation } from '../base/own-files.ts';
import { demo } from '../demo/demo.ts';
import type { Run } from './command.ts';
import { interruptSignal } from './signals.ts';

const narrowest = 60;

export const run: Run = async (_, options, terminal) => {
  const document = await demo({
    product: ownInstallation(),
    cutover: [process.execPath, ownExecutable()],
    tell: options.quiet ? () => {} : terminal.tell,
    colours: terminal.colours,
    isLive: terminal.isLive && !options.quiet,
    columns: () => Math.max(narrowest, (options.json ? process.stderr : process.stdout).columns ?? 80),
    signal: interruptSignal(),
  });
  if (options.json) terminal.print(JSON.stringify(document));
  return document.as_expected ? ExitCode.done : ExitCode.failed;
};
