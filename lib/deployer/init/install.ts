import { stat } from 'node:fs/promises';
import { writeDurably } from '../../base/files.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import type { InitReport } from './report.ts';
import { disableUnits, enableUnits, startUnits, type UnitResult, unitsToEnable } from './enable.ts';
import { type FileResult, filesToWrite, modeText, type PlannedFile, writeFiles } from './files.ts';
import { withInstalled, withIntended } from './install/bookkeeping.ts';
import { type InstallPlan, type Planning, planInstall } from './install/plan.ts';
import {
  type InstallRecord,
  missingFolders,
  readInstalled,
  recordPath,
  whileInstalling,
  writeInstalled,
} from './install/record.ts';
import { makeReceiverUser } from './install/serve-units.ts';
import { asideOf, type Sorted, sortOut } from './install/sorting.ts';
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
  /** all that are to be there, and of these the ones that are missing or say something else */
  planned: PlannedFile[];
  differing: PlannedFile[];
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
  const planned = [...own, ...sorted.planned.map((file) => ({ ...file, refuse: isJudged }))];
  const differing = await filesToWrite(planned);
  return { record, plan, sorted, planned, differing, stale: staleIn(record, plan, config.file) };
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
  { config }: InstallRequest,
  { systemd, onFile, grantee }: InstallTools,
  wanted: Wanted & { path: string; folders: string[] },
): Promise<Done> {
  const { record, plan, sorted, planned, differing, stale, path, folders } = wanted;
  const installing = sorted.planned.filter((file) => differing.some((one) => one.path === file.path));
  const made = [...folders, ...(await missingFolders(installing.map((file) => file.path)))];
  const about = { config: config.file, sorted, plan, grantee };
  // Before the files: whoever is killed between them has told of each that may be there.
  const intended = await rewrite(path, record, withIntended(record, about, made));
  await putAside(sorted);
  const files = await writeFiles(planned, { differing, isDryRun: false, onFile });
  const kept = await tellKept(sorted, onFile);
  const gone = await disableUnits(systemd, stale.units);
  const taken = await takeFilesBack(record, stale.paths, { config: config.file, isDryRun: false, onFile });
  const isChanged = installing.length > 0 || taken.files.length > 0;
  const units = await bringUp(config, systemd, { plan, isChanged });
  await rewrite(path, intended, withInstalled(intended, about, { ...stale, forgotten: taken.forgotten }));
  return {
    files: [...files, ...kept, ...taken.files],
    units: [...units, ...gone],
    notes: [...plan.notes, ...notesOn(sorted, taken)],
  };
}

/** A record that says the same is left as it is. */
async function rewrite(path: string, before: InstallRecord, after: InstallRecord): Promise<InstallRecord> {
  if (JSON.stringify(before) !== JSON.stringify(after)) await writeInstalled(path, after);
  return after;
}

async function bringUp(
  { manager }: Config,
  systemd: Systemd,
  { plan, isChanged }: { plan: InstallPlan; isChanged: boolean },
): Promise<UnitResult[]> {
  await makeReceiverUser(plan.receiverUser);
  const names = plan.units.map(({ unit }) => unit);
  const results = await enableUnits(systemd, names, { isChanged, manager });
  return startUnits(systemd, plan.units, { results, manager });
}

async function rehearse(
  { config }: InstallRequest,
  { systemd, onFile }: InstallTools,
  { record, plan, sorted, planned, differing, stale }: Wanted,
): Promise<Done> {
  const files = await writeFiles(planned, { differing, isDryRun: true, onFile });
  const kept = await tellKept(sorted, onFile);
  const taken = await takeFilesBack(record, stale.paths, { config: config.file, isDryRun: true, onFile });
  const units = await unitsToEnable(
    systemd,
    plan.units.map(({ unit }) => unit),
  );
  const gone = stale.units.map((unit): UnitResult => ({ unit, status: 'would disable' }));
  return {
    files: [...files, ...kept, ...taken.files],
    units: [...units, ...gone],
    notes: [...plan.notes, ...notesOn(sorted, taken)],
  };
}

async function putAside({ aside }: Sorted): Promise<void> {
  for (const { path, text, mode } of aside) await writeDurably(path, text, mode);
}

async function tellKept({ kept }: Sorted, onFile: (file: FileResult) => void): Promise<FileResult[]> {
  const results: FileResult[] = [];
  for (const { file } of kept) {
    const { mode } = await stat(file.path);
    const result: FileResult = { path: file.path, status: 'kept', mode: modeText(mode & 0o7777), content: file.text };
    onFile(result);
    results.push(result);
  }
  return results;
}

function notesOn({ kept, aside }: Sorted, { notes }: TakenBack): string[] {
  const keptNotes = kept.map(({ file: { path }, isOurs }) =>
    isOurs
      ? `${path} was changed since it was written, and stays; to have it replaced, with yours in ${asideOf(path)}: cutover init --install --force`
      : `${path} is somebody else's, and stays; to have ours: mv ${path} ${path}.saved`,
  );
  return [...keptNotes, ...aside.map(({ path }) => `what was changed there is kept in ${path}`), ...notes];
}
