import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The build puts the files in place of this name (bin/build.mjs), so that the program needs nothing beside itself. */
declare const embeddedFiles: Record<string, string> | undefined;

/** The file that this code is run from; in what the build makes, the executable: its loader says so (bin/load.js). */
const here = import.meta.filename;

/**
 * The text of a file that comes with cutover.
 * @param path as it is named from the top of the package: `units/cutover-settle@.service`
 * @throws an error for a file that the build does not take in
 */
export function ownFile(path: string): string {
  if (typeof embeddedFiles === 'undefined') return readFileSync(join(dirname(here), '../..', path), 'utf8');
  const text = embeddedFiles[path];
  if (text === undefined) throw new Error(`${path} is not in this build of cutover`);
  return text;
}

/**
 * The file that runs cutover when it is given to Node, named in full and without links; for those who know neither our
 * directory nor our PATH, as systemd.
 */
export function ownExecutable(): string {
  return here.endsWith('.ts') ? join(dirname(here), '../../bin/cutover.js') : here;
}
