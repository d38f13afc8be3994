import { resolve } from 'node:path';
import { CutoverError, ExitCode } from '../base/errors.ts';
import { initGit } from '../deployer/init/git.ts';
import { targetNamed } from '../deployer/place.ts';
import type { GlobalOptions, Terminal } from './command.ts';
import { type InitFlags, requireGitAlone } from './init-options.ts';
import { tellFile, tellReport } from './init-tell.ts';
import { forgetRepository } from './hook-repository.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

/** Sets a repository up, so that a push to it deploys. */
export async function initRepository(
  { target, command }: { target: string | undefined; command: [string, string] },
  options: InitFlags & GlobalOptions,
  terminal: Terminal,
): Promise<number> {
  requireGitAlone(options);
  const config = await configFor(options, terminal);
  if (config.file === null) throw new CutoverError('config', 'a push needs a configuration file');
  const targets = target === undefined ? Object.values(config.targets) : [targetNamed(config, target)];
  // Typed in a hook's shell it is still about the named repository.
  forgetRepository(terminal.env);
  const isDryRun = options.dryRun === true;
  const report = await initGit({
    path: resolve(terminal.cwd, String(options.git)),
    targets,
    only: target ?? null,
    command: [...command, '--config', config.file],
    isDryRun,
    signal: interruptSignal(),
    onFile: (file) => tellFile(file, options, terminal),
  });
  tellReport(report, { options, terminal, isDryRun });
  return ExitCode.done;
}
