import { CutoverError, ExitCode, isCutoverError } from '../../base/errors.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import type { InitReport } from './report.ts';
import { disableUnits, enableUnits, startUnits, type UnitResult, unitsToEnable } from './enable.ts';
import { type FileResult, filesToWrite, type PlannedFile, writeFiles } from './files.ts';
import { oursIn, withInstalled, withIntended } from './install/bookkeeping.ts';
import { type Extras, lookAtExtras, writeExtras } from './install/extras.ts';
import { keptNotes, putAside, tellKept } from './install/kept.ts';
import { type InstallPlan, type Planning, planInstall } from './install/plan.ts';
import {
  type InstallRecord,
  missingFolders,
  readInstalled,
  recordPath,
  removeFolders,
  whileInstalling,
  writeInstalled,
} from './install/record.ts';
import { makeReceiverUser } from './install/serve-units.ts';
import { type Sorted, sortOut } from './install/sorting.ts';
import { type TakenBack, takeFilesBack } from './install/taking-back.ts';
import { clearTemporary } from './strategy/our-files.ts';

export interface InstallTools extends Planning {
  systemd: Systemd;
  signal: AbortSignal;
  /** files of ours that somebody has changed are replaced, and put aside */
  isForced: boolean;
  isDryRun: boolean;
  /** called with each file once it is done */
  onFile: (file: FileResult) => void;
}

/** What is to be installed, and for which configuration. */
export interface InstallRequest {
  config: Config & { file: string };
  targets: readonly TargetConfig[];
  /** the configuration itself where it is yet to be written: it comes first, and stays when all else is taken back */
  own: readonly PlannedFile[];
}

type Done = Pick<InitReport, 'files' | 'units' | 'notes'>;

/**
 * Puts everything in place that works between deploys, for all of these targets, and takes away what an earlier call has put
 * there and they need no more. Safe to repeat: what is there already is not touched, and nothing that runs is restarted.
 * @throws `permission`, `disk`, `unit_masked`, `refused` where somebody else's file is in the way; `locked`
 */
export async function install(request: InstallRequest, tools: InstallTools): Promise<Done> {
  const path = recordPath(request.config.manager, tools.surroundings);
  const found = await lookInto(request, tools, await readInstalled(path));
  if (tools.isDryRun) return rehearse(request, tools, found);
  const folders = await missingFolders([path]);
  return whileInstalling(path, tools.signal, async () => {
    const wanted = await lookInto(request, tools, await readInstalled(path));
    tools.signal.throwIfAborted();
    await clearTemporary([path, ...Object.keys(wanted.record.files)]);
    return carryOut(request, tools, { ...wanted, path, folders });
  });
}

interface Wanted {
  record: InstallRecord;
  plan: InstallPlan;
  sorted: Sorted;
  /** all that have to be there, and of these the ones that are missing or say something else */
  needed: PlannedFile[];
  differing: PlannedFile[];
  /** what is good to have beside them */
  extras: Extras;
  /** installed once for this configuration, and needed no more */
  stale: { paths: string[]; units: string[] };
}

async function lookInto(
  { config, targets, own }: InstallRequest,
  tools: InstallTools,
  record: InstallRecord,
): Promise<Wanted> {
  const plan = await planInstall(config, targets, { ...tools, record });
  const { manager } = config;
  const sorted = await sortOut(plan.files, { record, manager, isForced: tools.isForced });
  const judged = sorted.planned.map((file) => ({ ...file, refuse: isJudged }));
  const needed = [...own, ...judged.filter(({ isNeeded }) => isNeeded)];
  const differing = await filesToWrite(needed);
  const extras = await lookAtExtras(judged.filter(({ isNeeded }) => !isNeeded));
  return { record, plan, sorted, needed, differing, extras, stale: staleIn(record, plan, config.file) };
}

async function isJudged(): Promise<null> {
  return null;
}

function staleIn({ files, units }: InstallRecord, plan: InstallPlan, config: string): Wanted['stale'] {
  const needed = new Set([...plan.files.map(({ path }) => path), ...plan.units.map(({ unit }) => unit)]);
  const isStale = (name: string, owners: readonly string[] = []): boolean => {
    return owners.includes(config) && !needed.has(name);
  };
  return {
    paths: Object.keys(files).filter((path) => isStale(path, files[path]?.for)),
    units: Object.keys(units).filter((unit) => isStale(unit, units[unit])),
  };
}

async function carryOut(
  { config, own }: InstallRequest,
  tools: InstallTools,
  wanted: Wanted & { path: string; folders: string[] },
): Promise<Done> {
  const { record, plan, sorted, differing, extras, stale, path, folders } = wanted;
  const { systemd, onFile, grantee } = tools;
  const writing = [...differing, ...extras.differing].filter((file) => !own.includes(file));
  const made = [...folders, ...(await missingFolders(writing.map((file) => file.path)))];
  const ours = oursIn(sorted.planned, { record, differing: writing });
  const about = { config: config.file, sorted, ours, plan, grantee };
  // Before the files: whoever is killed between them has told of each that may be there.
  const intended = await rewrite(path, record, withIntended(record, about, made));
  const files = await writeNeeded(wanted, { intended, made, onFile });
  const gone = await disableUnits(systemd, stale.units);
  const taken = await takeFilesBack(record, stale.paths, { config: config.file, isDryRun: false, onFile });
  const isChanged = writing.length > 0 || taken.files.length > 0;
  const units = await bringUp(config, systemd, { plan, isChanged });
  const good = await writeExtras(extras, { isDryRun: false, onFile });
  const kept = await tellKept(sorted, onFile);
  await rewrite(path, intended, withInstalled(intended, about, { ...stale, forgotten: taken.forgotten }));
  return doneOf(wanted, { files: [...files, ...good.files, ...kept], units: [...units, ...gone], taken, good });
}

/**
 * Writes what has to be there: all of it or nothing. What somebody has changed is put aside before it is replaced.
 * @throws `disk`, `permission`
 */
async function writeNeeded(
  { path, record, sorted, needed, differing }: Wanted & { path: string },
  { intended, made, onFile }: { intended: InstallRecord; made: string[]; onFile: (file: FileResult) => void },
): Promise<FileResult[]> {
  try {
    await putAside(sorted);
    return await writeFiles(needed, { differing, isDryRun: false, onFile });
  } catch (error) {
    await removeFolders(made);
    // What it names that is not there is in nobody's way.
    await rewrite(path, intended, record).catch(() => {});
    throw error;
  }
}

function doneOf(
  { plan, sorted }: Wanted,
  { files, units, taken, good }: Pick<Done, 'files' | 'units'> & { taken: TakenBack; good: { notes: string[] } },
): Done {
  const notes = [...plan.notes, ...keptNotes(sorted), ...taken.notes, ...good.notes];
  return { files: [...files, ...taken.files], units, notes };
}

/** A record that says the same is left as it is. */
async function rewrite(path: string, before: InstallRecord, after: InstallRecord): Promise<InstallRecord> {
  if (JSON.stringify(before) !== JSON.stringify(after)) await writeInstalled(path, after);
  return after;
}

/** @throws what systemd refuses; `failed` with what is not in place, since by now something is */
async function bringUp(
  { manager }: Config,
  systemd: Systemd,
  { plan, isChanged }: { plan: InstallPlan; isChanged: boolean },
): Promise<UnitResult[]> {
  const names = plan.units.map(({ unit }) => unit);
  try {
    await makeReceiverUser(plan.receiverUser);
    const results = await enableUnits(systemd, names, { isChanged, manager });
    return await startUnits(systemd, plan.units, { results, manager });
  } catch (error) {
    throw await halfway(error, systemd, names);
  }
}

/** Exit 1 would say that nothing was changed. */
async function halfway(error: unknown, systemd: Systemd, names: readonly string[]): Promise<unknown> {
  if (!isCutoverError(error)) return error;
  if (error.exitCode !== ExitCode.refused && error.exitCode !== ExitCode.failed) return error;
  const states = await unitsToEnable(systemd, names).catch(() => []);
  const missing = states.filter(({ status }) => status === 'would enable').map(({ unit }) => unit);
  const what = missing.length === 0 ? '' : `, but these units are not enabled: ${missing.join(', ')}`;
  const mend = [error.mend, 'then again: cutover init --install'].filter(Boolean).join('; ');
  return new CutoverError('failed', `${error.message}; the files are written${what}`, { mend, cause: error });
}

async function rehearse({ config }: InstallRequest, { systemd, onFile }: InstallTools, wanted: Wanted): Promise<Done> {
  const { record, plan, sorted, needed, differing, extras, stale } = wanted;
  const files = await writeFiles(needed, { differing, isDryRun: true, onFile });
  const good = await writeExtras(extras, { isDryRun: true, onFile });
  const kept = await tellKept(sorted, onFile);
  const taken = await takeFilesBack(record, stale.paths, { config: config.file, isDryRun: true, onFile });
  const names = plan.units.map(({ unit }) => unit);
  const units = await unitsToEnable(systemd, names);
  const gone = stale.units.map((unit): UnitResult => ({ unit, status: 'would disable' }));
  return doneOf(wanted, { files: [...files, ...good.files, ...kept], units: [...units, ...gone], taken, good });
}
