import { ExitCode } from '../base/errors.ts';
import { ownExecutable } from '../base/own-files.ts';
import { serviceUnit } from '../config/values/name.ts';
import type { ManagerKind } from '../config/model.ts';
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
  const said = unit === undefined ? null : readOptions(options, terminal);
  if (!said) requireInstall(options);
  const named = said ? valueOf(serviceUnit, 'unit', unit) : '';
  const isDryRun = options.dryRun === true;
  if (said && to !== undefined) {
    const { changeStrategy } = await import('./init-strategy.ts');
    return changeStrategy({ unit: named, to, said, isDryRun }, options, terminal);
  }
  if (said && options.adopt) {
    const { adopt } = await import('./init-adopt.ts');
    return adopt({ unit: named, said }, options, terminal);
  }
  const config = said ? null : await configFor(options, terminal);
  if (config) await requireSecret(config, options, terminal);
  const manager = said?.manager ?? config?.manager ?? 'system';
  const tools = await toolsFor(manager, options, terminal);
  const report = said
    ? await initUnit(named, said, tools)
    : await initInstall(config as NonNullable<typeof config>, tools);
  tellReport(report, { options, terminal, isDryRun });
  return ExitCode.done;
};

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
