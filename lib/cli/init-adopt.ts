import { ExitCode } from '../base/errors.ts';
import { adoptedBuilds } from '../deployer/init/adopt/builds.ts';
import { type AdoptReport, initAdopt } from '../deployer/init/adopt.ts';
import { configuredUnit } from '../deployer/init/configured.ts';
import type { FileResult } from '../deployer/init/files.ts';
import { configOption, type Surroundings, unitDirectory } from '../deployer/init/places.ts';
import type { InitOptions } from '../deployer/init.ts';
import { reachSystemd } from '../systemd/systemd.ts';
import type { GlobalOptions, Terminal } from './command.ts';
import type { InitFlags } from './init-options.ts';
import { tellChange, tellFile } from './init-tell.ts';
import { placeOf } from './place.ts';
import { refuseSuspension, watcherSignal } from './signals.ts';

/** Moves a service into a builds directory, or back. */
export async function adopt(
  { unit, said }: { unit: string; said: InitOptions },
  options: InitFlags & GlobalOptions,
  terminal: Terminal,
): Promise<number> {
  const surroundings = { env: terminal.env, cwd: terminal.cwd };
  const { config, target, text } = await configured({ unit, said }, surroundings);
  const place = await placeOf(config, target, { options, terminal });
  const isDryRun = options.dryRun === true;
  if (!isDryRun) refuseSuspension(terminal);
  const report = await initAdopt(place, {
    config: text,
    directory: unitDirectory(config.manager, surroundings),
    shared: options.shared === undefined ? [] : String(options.shared).split(','),
    isUndo: options.undo === true,
    isDryRun,
    onFile: (file: FileResult) => tellFile(file, options, terminal),
  });
  const option = await configOption(text.path, surroundings);
  const next = report.next.map((command) => (command.startsWith('cutover ') ? `${command}${option}` : command));
  tellChange({ ...report, next }, endOf(report, options.undo === true), { options, terminal, isDryRun });
  return ExitCode.done;
}

/** The unit's target: as it is configured, or as it is going to be. */
async function configured({ unit, said }: { unit: string; said: InitOptions }, surroundings: Surroundings) {
  const systemd = reachSystemd(said.manager);
  const about = { systemd, surroundings, signal: watcherSignal() };
  const builds = await adoptedBuilds(unit, said, systemd);
  return configuredUnit(unit, said, { ...about, builds }).finally(() => systemd.close());
}

function endOf({ adopted, downtime_ms: downtimeMs }: AdoptReport, isUndo: boolean): string {
  if (adopted === null)
    return isUndo ? 'done: it runs where it ran before' : 'nothing to do: it runs in a builds directory';
  return `proven: it runs in ${adopted.to} now; the port was closed for ${downtimeMs} ms`;
}
