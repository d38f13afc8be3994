import { type CutoverError, isCutoverError } from '../../../base/errors.ts';
import { type FileResult, filesToWrite, type PlannedFile, writeFiles } from '../files.ts';

/** Completions, manual pages and the rule for logs: nothing that runs needs them. */
export interface Extras {
  planned: PlannedFile[];
  /** of these the ones that are missing or say something else */
  differing: PlannedFile[];
  /** why others cannot be there */
  failures: CutoverError[];
}

/** Finds out which of them have to be written and can be: what is in the way of one is in the way of no other. */
export async function lookAtExtras(files: readonly PlannedFile[]): Promise<Extras> {
  const extras: Extras = { planned: [], differing: [], failures: [] };
  for (const file of files) {
    const differing = await unlessRefused(filesToWrite([file]), extras.failures);
    if (differing === null) continue;
    extras.planned.push(file);
    extras.differing.push(...differing);
  }
  return extras;
}

/** Writes those that can be written. @returns with each that cannot as a note */
export async function writeExtras(
  { planned, differing, failures: known }: Extras,
  how: { isDryRun: boolean; onFile: (file: FileResult) => void },
): Promise<{ files: FileResult[]; notes: string[] }> {
  const failures = [...known];
  const files: FileResult[] = [];
  for (const file of planned) {
    const written = await unlessRefused(writeFiles([file], { differing, ...how }), failures);
    files.push(...(written ?? []));
  }
  return { files, notes: notesOn(failures) };
}

async function unlessRefused<T>(work: Promise<T>, failures: CutoverError[]): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (!isCutoverError(error, 'disk', 'permission', 'refused')) throw error;
    failures.push(error);
    return null;
  });
}

/** A full disk is in the way of all of them in the same way. */
function notesOn([first, ...others]: readonly CutoverError[]): string[] {
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : `, and ${others.length} more like it`;
  const mend = [first.mend, 'then again: cutover init --install'].filter(Boolean).join('; ');
  return [`${first.message}${more}: everything works without, but for completion and manual -> ${mend}`];
}
