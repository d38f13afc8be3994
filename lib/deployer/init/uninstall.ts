import { accountOfUser } from '../../base/accounts.ts';
import { CutoverError } from '../../base/errors.ts';
import { isThere, readIfThere } from '../../base/files.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, ManagerKind } from '../../config/model.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { takeBackNotes } from './hand-over.ts';
import type { InitReport } from './report.ts';
import { disableUnits, type UnitResult } from './enable.ts';
import { type FileResult, requireWritable } from './files.ts';
import { withoutOwner } from './install/bookkeeping.ts';
import {
  type InstallRecord,
  readInstalled,
  recordPath,
  removeFolders,
  whileInstalling,
  writeInstalled,
} from './install/record.ts';
import { othersIn, type TakenBack, takeFilesBack } from './install/taking-back.ts';
import type { Surroundings } from './places.ts';
import { receiverUser } from './receiver-rule.ts';
import { clearTemporary } from './strategy/our-files.ts';
import { whileIdle } from './while-idle.ts';

export interface UninstallTools {
  systemd: Systemd;
  surroundings: Surroundings;
  signal: AbortSignal;
  manager: ManagerKind;
  isDryRun: boolean;
  onFile: (file: FileResult) => void;
}

/**
 * Takes back what `init --install` has put on this machine for a configuration: units are stopped and disabled, files that
 * are as they were written are removed, and folders that were made for them and are empty. What somebody has changed, and
 * what another configuration needs, stays. Safe to repeat.
 * @param config the configuration's file, which need not be there any more; null: the only one there is
 * @throws `usage` where several are installed and none is named; `permission`, `locked`
 */
export async function uninstall(config: string | null, tools: UninstallTools): Promise<InitReport> {
  const path = recordPath(tools.manager, tools.surroundings);
  // Without a record there is nothing to lock, and no place for one to be made.
  if ((await readIfThere(path)) === null) {
    if (!tools.isDryRun) await clearTemporary([path]);
    return reportOf({ files: [], notes: [], forgotten: [] }, [], config);
  }
  if (tools.isDryRun) return carryOut(config, tools, { path, record: await readInstalled(path) });
  await requireWritable(path);
  const { signal } = tools;
  const known = await knownFor(await readInstalled(path), config);
  return whileIdle(known, { doing: 'init --uninstall', signal }, () =>
    whileInstalling(path, signal, async () => carryOut(config, tools, { path, record: await readInstalled(path) })),
  );
}

async function carryOut(
  said: string | null,
  { systemd, isDryRun, onFile, signal }: UninstallTools,
  { path, record }: { path: string; record: InstallRecord },
): Promise<InitReport> {
  const config = ownerIn(record, said);
  if (config === null) return reportOf({ files: [], notes: [], forgotten: [] }, [], said);
  const { paths, owned, units } = await shareOf(record, config);
  if (!isDryRun) for (const one of paths) await requireWritable(one);
  signal.throwIfAborted();
  const gone = isDryRun ? wouldDisable(units) : await disableUnits(systemd, units);
  const taken = await takeFilesBack(record, paths, { config, isDryRun, onFile });
  const { [config]: grantee = null, ...grants } = record.grants;
  const left = await takeBackNotes(await knownFor(record, said), grantee, Object.values(grants));
  const notes = [...taken.notes, ...left, ...(await userNotes(units))];
  if (isDryRun) return reportOf({ ...taken, notes }, gone, config);
  await systemd.reload();
  const rest = withoutOwner({ ...record, grants }, config, { paths, units: owned, forgotten: taken.forgotten });
  await clearTemporary([path, ...paths]);
  const folders = await removeFolders(record.folders);
  await writeInstalled(path, { ...rest, folders });
  // The record's own is among them, and empty only now.
  if (!(await isThere(path))) await removeFolders(folders);
  return reportOf({ ...taken, notes }, gone, config);
}

/** What a configuration has in the record. `units` are those of the owned ones that no other configuration needs. */
async function shareOf(
  record: InstallRecord,
  config: string,
): Promise<{ paths: string[]; owned: string[]; units: string[] }> {
  const isOurs = (owners: readonly string[]): boolean => owners.includes(config);
  const paths = Object.keys(record.files).filter((one) => isOurs(record.files[one]?.for ?? []));
  const owned = Object.keys(record.units).filter((one) => isOurs(record.units[one] ?? []));
  const others = await Promise.all(owned.map((unit) => othersIn(record.units[unit] ?? [], config)));
  return { paths, owned, units: owned.filter((_, at) => others[at]?.length === 0) };
}

/** What lies in the receiver's queue is still the user's. */
async function userNotes(units: readonly string[]): Promise<string[]> {
  const isItsOwn = units.includes('cutover-serve.service') && (await accountOfUser(receiverUser)) !== null;
  if (!isItsOwn || process.geteuid?.() !== 0) return [];
  return [`the user ${receiverUser} stays, with its queue: userdel ${receiverUser}; rm -r /var/lib/${receiverUser}`];
}

/** The configuration itself; null: it is gone, or cannot be read, and goes all the same. */
async function knownFor(record: InstallRecord, said: string | null): Promise<Config | null> {
  const file = ownerIn(record, said);
  return file === null ? null : loadConfig(file).catch(() => null);
}

/** The configuration whose files are meant. @returns null: nothing is installed for it @throws `usage` */
function ownerIn({ files, units }: InstallRecord, said: string | null): string | null {
  const owners = [...new Set([...Object.values(files).flatMap((file) => file.for), ...Object.values(units).flat()])];
  if (said !== null) return owners.includes(said) ? said : null;
  if (owners.length <= 1) return owners[0] ?? null;
  throw new CutoverError('usage', 'several configurations are installed, so one must be named', {
    mend: owners.map((owner) => `cutover init --uninstall --config ${owner}`).join('; or '),
  });
}

function wouldDisable(units: readonly string[]): UnitResult[] {
  return units.map((unit) => ({ unit, status: 'would disable' }));
}

function reportOf({ files, notes }: TakenBack, units: UnitResult[], config: string | null): InitReport {
  const isNothing = files.length === 0 && units.length === 0;
  const whose = config === null ? '' : ` for ${config}`;
  const what = isNothing
    ? `nothing is installed${whose}`
    : 'builds, state, logs, backups and the configuration stay: they are yours to keep or to remove';
  return { target: null, files, units, notes: [...notes, what], next: [] };
}
