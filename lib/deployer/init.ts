import { CutoverError, isCutoverError } from '../base/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config, ManagerKind, TargetConfig } from '../config/model.ts';
import type { StatePaths } from '../run/state.ts';
import { lingerNote } from '../systemd/lingering.ts';
import type { Systemd } from '../systemd/systemd.ts';
import type { Said } from './init/draft.ts';
import { unfinishedChange } from './init/cut-off.ts';
import { draftFor } from './init/drafting.ts';
import { filesToWrite, type PlannedFile, writeFiles } from './init/files.ts';
import { install, type InstallTools } from './init/install.ts';
import { monitorNote } from './init/install/monitor-units.ts';
import { configOption, defaultConfigPath } from './init/places.ts';
import type { Found, InitReport } from './init/report.ts';
import { pathsOf } from './place.ts';

/** What is to be set up, as the person said it. */
export interface InitOptions extends Said {
  manager: ManagerKind;
  /** where the configuration goes; default: the machine's place for root, the user's for others */
  output?: string | undefined;
}

export interface InitTools extends InstallTools {
  systemd: Systemd;
  /** what works between deploys is put in place too */
  isInstall: boolean;
}

/**
 * Writes a configuration for a unit from what systemd knows of it; with `isInstall`, what works between deploys as well.
 * @throws `no_such_unit`, `unit_masked`, `permission`, `disk`, and `refused` where something has to be changed or said first
 */
export async function initUnit(
  unit: string,
  options: InitOptions,
  tools: InitTools,
): Promise<InitReport & { found: Found[] }> {
  const { systemd, surroundings, signal } = tools;
  const path = options.output ?? defaultConfigPath(surroundings);
  const about = { systemd, manager: options.manager, path, env: surroundings.env, signal };
  const { draft, config, target, file, notes } = await draftFor(unit, options, about);
  await requireEnded(pathsOf(config, target));
  const done = await carryOut({ config, targets: [target], own: [file] }, tools);
  if (!tools.isDryRun) await loadConfig(path);
  const option = await configOption(path, surroundings);
  const then = tools.isInstall ? `cutover deploy ${target.name}${option}` : `cutover init --install${option}`;
  const found = Object.entries(draft.known).flatMap(([key, { value, note }]) =>
    value === undefined || note === undefined ? [] : [{ key: key.replace('targets.NAME.', ''), value, note }],
  );
  const next = [`cutover check ${target.name}${option}`, then];
  return { target: target.name, ...done, notes: [...notes, ...done.notes], next, found };
}

/** What is read of a unit that is halfway to somewhere says nothing of where it will be. @throws `refused` */
async function requireEnded(paths: StatePaths): Promise<void> {
  const change = await unfinishedChange(paths).catch((error: unknown) => {
    // Whoever may not look into the state is no less free to write a configuration.
    if (isCutoverError(error, 'permission')) return null;
    throw error;
  });
  if (change) throw new CutoverError('refused', `${change.message}; nothing was written`, { mend: change.mend });
}

/** Puts in place what works between deploys, for every target of a configuration. @throws `permission`, `disk`, `unit_masked`, `refused` */
export async function initInstall(config: Config, tools: InitTools): Promise<InitReport> {
  const targets = Object.values(config.targets);
  const done = await carryOut({ config, targets, own: [] }, tools);
  const option = config.file === null ? '' : await configOption(config.file, tools.surroundings);
  return {
    target: targets.length === 1 ? (targets[0]?.name ?? null) : null,
    ...done,
    next: [`cutover status${option}`],
  };
}

async function carryOut(
  { config, targets, own }: { config: Config; targets: TargetConfig[]; own: PlannedFile[] },
  tools: InitTools,
): Promise<Pick<InitReport, 'files' | 'units' | 'notes'>> {
  const { signal, isInstall, isDryRun, onFile } = tools;
  const { file, manager } = config;
  if (isInstall) {
    if (file === null) throw new CutoverError('config', 'what is installed needs a configuration file');
    const done = await install({ config: { ...config, file }, targets, own }, tools);
    const again = `cutover init --install${await configOption(file, tools.surroundings)}`;
    const left = [monitorNote(targets, file, again), lingerNote(manager)].filter((note) => note !== null);
    return { ...done, notes: [...done.notes, ...left] };
  }
  const differing = await filesToWrite(own);
  signal.throwIfAborted();
  return { files: await writeFiles(own, { differing, isDryRun, onFile }), units: [], notes: [] };
}
