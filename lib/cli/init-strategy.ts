import { ExitCode } from '../base/errors.ts';
import type { StrategyName } from '../config/model.ts';
import type { FileResult } from '../deployer/init/files.ts';
import { configuredUnit } from '../deployer/init/configured.ts';
import { configOption, unitDirectory } from '../deployer/init/places.ts';
import { initStrategy, type StrategyReport } from '../deployer/init/strategy.ts';
import type { InitOptions } from '../deployer/init.ts';
import { reachSystemd } from '../systemd/systemd.ts';
import type { GlobalOptions, Terminal } from './command.ts';
import { tellChange, tellFile } from './init-tell.ts';
import { placeOf } from './place.ts';
import { refuseSuspension, watcherSignal } from './signals.ts';

interface Asked {
  unit: string;
  to: StrategyName;
  said: InitOptions;
  isDryRun: boolean;
}

/** Puts a unit behind a socket unit, or takes it out of there. */
export async function changeStrategy(
  { unit, to, said, isDryRun }: Asked,
  options: GlobalOptions,
  terminal: Terminal,
): Promise<number> {
  const surroundings = { env: terminal.env, cwd: terminal.cwd };
  const systemd = reachSystemd(said.manager);
  const about = { systemd, surroundings, signal: watcherSignal() };
  const { config, target, text } = await configuredUnit(unit, said, about).finally(() => systemd.close());
  const place = await placeOf(config, target, { options, terminal });
  if (!isDryRun) refuseSuspension(terminal);
  const report = await initStrategy(place, {
    to,
    config: text,
    directory: unitDirectory(config.manager, surroundings),
    isDryRun,
    onFile: (file: FileResult) => tellFile(file, options, terminal),
  });
  const option = await configOption(text.path, surroundings);
  const next = report.next.map((command) => `${command}${option}`);
  tellChange({ ...report, next }, endOf(report), { options, terminal, isDryRun });
  return ExitCode.done;
}

function endOf({ strategy, downtime_ms: downtimeMs, files }: StrategyReport): string {
  if (files.every(({ status }) => status === 'unchanged')) return `nothing to do: the strategy is "${strategy.to}"`;
  const down = downtimeMs === null ? 'nothing was restarted' : `the port was closed for ${downtimeMs} ms`;
  return `proven: the strategy is "${strategy.to}" now; ${down}`;
}
