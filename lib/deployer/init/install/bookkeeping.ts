import type { DeployingAccount } from '../polkit.ts';
import type { InstallPlan } from './plan.ts';
import { digestOf, type InstallRecord } from './record.ts';
import type { Sorted } from './sorting.ts';
import { type InstallFile, mark } from './unit-files.ts';

/** What is put on the machine, and for which configuration. */
export interface Putting {
  config: string;
  sorted: Sorted;
  /** of the files that are to be there those that `oursIn` names */
  ours: readonly InstallFile[];
  plan: InstallPlan;
  /** null: as it was */
  grantee: DeployingAccount | null;
}

/**
 * The files that are taken back some day. One that was there with the same text before anything of ours was written, such as a
 * manual page that npm has put there, is somebody else's; one that bears our mark is of a record that was lost.
 * @param differing what is about to be written
 */
export function oursIn(
  planned: readonly InstallFile[],
  { record, differing }: { record: InstallRecord; differing: readonly { path: string }[] },
): InstallFile[] {
  return planned.filter(({ path, text }) => {
    return record.files[path] !== undefined || text.startsWith(mark) || differing.some((one) => one.path === path);
  });
}

/** The record while files are written: each may have the old text or the new one. @param folders made on the way */
export function withIntended(record: InstallRecord, putting: Putting, folders: readonly string[]): InstallRecord {
  const { config, sorted, ours, plan, grantee } = putting;
  const files = { ...record.files };
  const note = (path: string, digests: readonly string[]): void => {
    const { digests: before = [], for: owners = [] } = files[path] ?? {};
    files[path] = { digests: union(before, digests), for: union(owners, [config]) };
  };
  for (const { path, text } of ours) note(path, [digestOf(text)]);
  for (const { file, isOurs } of sorted.kept) if (isOurs) note(file.path, []);
  const units = { ...record.units };
  for (const { unit } of plan.units) units[unit] = union(units[unit] ?? [], [config]);
  const grants = grantee === null ? record.grants : { ...record.grants, [config]: grantee };
  return { files, units, folders: union(record.folders, folders), grants };
}

/** The record once everything is in place. @param gone what the configuration needs no more */
export function withInstalled(
  intended: InstallRecord,
  { config, ours }: Putting,
  gone: { paths: readonly string[]; units: readonly string[]; forgotten: readonly string[] },
): InstallRecord {
  const without = withoutOwner(intended, config, gone);
  const files = { ...without.files };
  for (const { path, text } of ours) {
    const owners = files[path]?.for ?? [config];
    files[path] = { digests: [digestOf(text)], for: owners };
  }
  return { ...without, files };
}

/** The record without what a configuration needs no more. @param gone `forgotten`: files that nobody needs any more */
export function withoutOwner(
  record: InstallRecord,
  config: string,
  { paths, units, forgotten }: { paths: readonly string[]; units: readonly string[]; forgotten: readonly string[] },
): InstallRecord {
  const others = (owners: readonly string[]): string[] => owners.filter((owner) => owner !== config);
  const files = Object.entries(record.files)
    .filter(([path]) => !forgotten.includes(path))
    .map(([path, file]) => [path, paths.includes(path) ? { ...file, for: others(file.for) } : file] as const);
  const left = Object.entries(record.units)
    .map(([unit, owners]) => [unit, units.includes(unit) ? others(owners) : owners] as const)
    .filter(([, owners]) => owners.length > 0);
  return { ...record, files: Object.fromEntries(files), units: Object.fromEntries(left) };
}

function union(one: readonly string[], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])];
}
