import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The build puts the files in place of this name (bin/build.mjs), as JSON, so that the program needs nothing beside itself. */
declare const embeddedFiles: string | undefined;

/** What started the program tells where it lies (bin/load.js), named in full and without links. */
declare const loaded: { executable: string; installation: string } | undefined;

/**
 * The text of a file that comes with cutover.
 * @param path as it is named from the top of the package: `units/cutover-settle@.service`
 * @throws an error for a file that the build does not take in
 */
export function ownFile(path: string): string {
  if (typeof embeddedFiles === 'undefined') return readFileSync(join(sources(), path), 'utf8');
  const { [path]: text } = JSON.parse(embeddedFiles) as Record<string, string | undefined>;
  if (text === undefined) throw new Error(`${path} is not in this build of cutover`);
  return text;
}

/** The file that runs cutover when it is given to Node: for those who know neither our directory nor our PATH, as systemd. */
export function ownExecutable(): string {
  return typeof loaded === 'undefined' ? join(sources(), 'bin/cutover.js') : loaded.executable;
}

/** The file or the folder that is all of cutover. */
export function ownInstallation(): string {
  return typeof loaded === 'undefined' ? sources() : loaded.installation;
}

/** In a test the code is run from its sources. */
function sources(): string {
  return join(import.meta.dirname, '../..');
}
