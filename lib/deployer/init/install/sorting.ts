import { readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import { readIfThere } from '../../../base/files.ts';
import type { ManagerKind } from '../../../config/model.ts';
import { systemctl } from '../../../systemd/typed.ts';
import { foreignFile } from '../files.ts';
import { digestOf, type InstallRecord } from './record.ts';
import { type InstallFile, mark } from './unit-files.ts';

/** What is to become of the files, by what stands at their places now. */
export interface Sorted {
  /** to be there as planned: missing, the same, or ours and as we left them */
  planned: InstallFile[];
  /** changed by somebody, or somebody else's: they stay */
  kept: { file: InstallFile; isOurs: boolean }[];
  /** changed by somebody, and to be replaced all the same: the text is put aside */
  aside: { path: string; text: string; mode: number }[];
}

/** How a text that stays beside the new one is called: neither systemd, nor polkit, nor a shell reads such a file. */
export function asideOf(path: string): string {
  return `${path}.bak`;
}

/** Where a text goes: what an earlier call has put aside stays, unless it says the same. */
async function asideFor(path: string, text: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const place = count === 1 ? asideOf(path) : `${asideOf(path)}.${count}`;
    const existing = await readIfThere(place);
    if (existing === null || existing === text) return place;
  }
}

/**
 * Tells what may be written anew from what somebody has changed.
 * @param isForced what was ours and was changed is replaced
 * @throws `refused`, `unit_masked` where somebody else's file is in the way of what was asked for
 */
export async function sortOut(
  files: readonly InstallFile[],
  { record, manager, isForced }: { record: InstallRecord; manager: ManagerKind; isForced: boolean },
): Promise<Sorted> {
  const sorted: Sorted = { planned: [], kept: [], aside: [] };
  for (const file of files) {
    const { path, text, mode } = file;
    await requireUnmasked(file, manager);
    const existing = await readIfThere(path);
    const state = existing === null || existing === text ? 'ours' : stateOf(file, existing, record);
    if (state === 'foreign' && file.isNeeded) throw foreignFile(path);
    const isReplaced = state === 'changed' && isForced;
    if (state === 'ours' || isReplaced) sorted.planned.push(file);
    else sorted.kept.push({ file, isOurs: state === 'changed' });
    if (isReplaced && existing !== null)
      sorted.aside.push({ path: await asideFor(path, existing), text: existing, mode: mode & (await modeOf(path)) });
  }
  return sorted;
}

/** Who closed it to others may have put a secret there. */
async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

/** A file that bears our mark and that no record tells of may be of another version, or changed: nobody knows. */
function stateOf(
  { path, known }: InstallFile,
  existing: string,
  { files }: InstallRecord,
): 'ours' | 'changed' | 'foreign' {
  const recorded = files[path]?.digests;
  if (known.includes(existing) || recorded?.includes(digestOf(existing))) return 'ours';
  return recorded !== undefined || existing.startsWith(mark) ? 'changed' : 'foreign';
}

async function requireUnmasked({ path, isNeeded }: InstallFile, manager: ManagerKind): Promise<void> {
  const link = isNeeded ? await readlink(path).catch(() => null) : null;
  if (link !== '/dev/null') return;
  const unit = basename(path);
  throw new CutoverError('unit_masked', `${unit} is masked`, { mend: systemctl(manager, `unmask ${unit}`) });
}
