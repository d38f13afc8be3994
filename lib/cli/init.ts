import { ExitCode } from '../base/errors.ts';
import { ownExecutable } from '../base/own-files.ts';
import { serviceUnit } from '../config/values/name.ts';
import type { ManagerKind, StrategyName } from '../config/model.ts';
import { initInstall, type InitTools, initUnit } from '../deployer/init.ts';
import { openSystemd } from '../systemd/systemd.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { granteeOf, manualFor, requireSecret, takeBackInstalled } from './init-install.ts';
import {
  type InitFlags,
  isOpen,
  readOptions,
  requireAdopting,
  requireInstall,
  requireInstalling,
  strategyIn,
  valueOf,
} from './init-options.ts';
import { tellFile, tellReport } from './init-tell.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

export const run: Run<InitFlags> = async ([unit], options, terminal) => {
  if (options.uninstall) return takeBackInstalled(unit, options, terminal);
  requireInstalling(options);
  requireAdopting(options);
  if (unit === undefined && isOpen(options)) {
    const { propose } = await import('./init-propose.ts');
    const found = await propose(options, terminal);
    if ('exitCode' in found) return found.exitCode;
    return run([found.answers.unit], { ...options, ...found.answers.options }, terminal);
  }
  if (options.git !== undefined) {
    const { initRepository } = await import('./init-git.ts');
    return initRepository({ target: unit, command: ourselves() }, options, terminal);
  }
  const to = strategyIn(options);
  return unit === undefined ? installConfigured(options, terminal) : initNamed(unit, to, { options, terminal });
};

/** A unit is named: it gets another strategy, a builds directory, or all that its first deploy needs. */
async function initNamed(
  unit: string,
  to: StrategyName | undefined,
  { options, terminal }: { options: InitFlags & GlobalOptions; terminal: Terminal },
): Promise<number> {
  const said = readOptions(options, terminal);
  const named = valueOf(serviceUnit, 'unit', unit);
  const isDryRun = options.dryRun === true;
  if (to !== undefined) {
    const { changeStrategy } = await import('./init-strategy.ts');
    return changeStrategy({ unit: named, to, said, isDryRun }, options, terminal);
  }
  if (options.adopt) {
    const { adopt } = await import('./init-adopt.ts');
    return adopt({ unit: named, said }, options, terminal);
  }
  const report = await initUnit(named, said, await toolsFor(said.manager, options, terminal));
  tellReport(report, { options, terminal, isDryRun });
  return ExitCode.done;
}

/** No unit is named: what `--install` does for a configuration that is there. */
async function installConfigured(options: InitFlags & GlobalOptions, terminal: Terminal): Promise<number> {
  requireInstall(options);
  const config = await configFor(options, terminal);
  await requireSecret(config, options, terminal);
  const report = await initInstall(config, await toolsFor(config.manager, options, terminal));
  tellReport(report, { options, terminal, isDryRun: options.dryRun === true });
  return ExitCode.done;
}

async function toolsFor(
  manager: ManagerKind,
  options: InitFlags & GlobalOptions,
  terminal: Terminal,
): Promise<InitTools> {
  const signal = interruptSignal();
  return {
    command: ourselves(),
    manual: await manualFor(options),
    grantee: await granteeOf(options, manager),
    systemd: await openSystemd(manager),
    surroundings: { env: terminal.env, cwd: terminal.cwd },
    signal,
    isInstall: options.install === true,
    isForced: options.force === true,
    isDryRun: options.dryRun === true,
    onFile: (file) => tellFile(file, options, terminal),
  };
}

/** The command that runs cutover wherever it is called from. */
function ourselves(): [string, string] {
  return [process.execPath, ownExecutable()];
}
