import { realpath } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { readRegularFile } from '../../base/regular-file.ts';
import type { UnitFacts } from '../../systemd/facts.ts';
import { placesOf } from '../../systemd/processes.ts';

/** Where a service runs, as far as its unit names it and its process shows it. */
export interface Whereabouts {
  /** something in the unit leads into the builds directory */
  isNamed: boolean;
  /** directory and executable of its main process; null: there is none, or it may not be seen */
  running: string[] | null;
}

/**
 * Finds out where a service runs.
 * @param words paths, commands and variables of the unit
 * @param files its `EnvironmentFile=`: one that may not be read names nothing
 * @param buildsPaths the builds directory by every name that is known of it
 */
export async function whereaboutsOf(
  { mainPid, workingDirectory }: UnitFacts,
  { words, files, buildsPaths }: { words: readonly string[]; files: readonly string[]; buildsPaths: readonly string[] },
): Promise<Whereabouts> {
  const [running, ...texts] = await Promise.all([
    mainPid === 0 ? [] : placesOf(mainPid),
    ...files.map((file) => readRegularFile(file).catch(() => '')),
  ]);
  const all = [...words, ...files, ...texts, (workingDirectory ?? '').replace(/^!/, '')];
  const isNamed = all.some((text) => leadsInto(text, buildsPaths)) || (await isLedInto(all, buildsPaths));
  return { isNamed, running: running.length === 0 ? null : running };
}

/** Whether a text names a directory, or what lies in it; within a longer path it would be another one. */
export function leadsInto(text: string, directories: readonly string[]): boolean {
  return directories.some((directory) => {
    for (let at = text.indexOf(directory); at !== -1; at = text.indexOf(directory, at + 1)) {
      const [before = '', after = ''] = [text[at - 1], text[at + directory.length]];
      if (!/[\w.-]/.test(before) && !/[\w.-]/.test(after)) return true;
    }
    return false;
  });
}

/** A path elsewhere may be a link that leads there. */
async function isLedInto(words: readonly string[], directories: readonly string[]): Promise<boolean> {
  const paths = words.filter((word) => isAbsolute(word));
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => '')));
  return real.some((path) => leadsInto(path, directories));
}
