import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../../../base/errors.ts';
import type { ManagerKind } from '../../../config/model.ts';
import type { UnitFacts } from '../../../systemd/facts.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import { systemctl } from '../../../systemd/typed.ts';

/** What a unit says of itself: its file, then the lines beside it, in the order in which systemd reads them. */
export interface UnitSource {
  texts: string[];
  /** permission bits that none of the files exceeds: `Environment=` may hold a secret */
  mode: number;
}

/** Whether a file holds lines for this unit alone: what is added to those of a kind, or whose names begin alike, another unit gets by itself. */
export function isOwn(path: string, { unit }: Pick<UnitFacts, 'unit'>): boolean {
  return basename(dirname(path)) === `${unit}.d`;
}

/**
 * Reads a unit's files.
 * @param isWanted which of the files beside its own
 * @throws `refused` when it has no file, or one is gone that systemd still knows; `permission`
 */
export async function readSource(
  systemd: Pick<Systemd, 'property'>,
  { unit, fragmentPath }: Pick<UnitFacts, 'unit' | 'fragmentPath'>,
  { manager, isWanted }: { manager: ManagerKind; isWanted: (path: string) => boolean },
): Promise<UnitSource> {
  if (fragmentPath === null) {
    throw new CutoverError('refused', `${unit} has no file of its own that a stand-in could be made from`, {
      mend: `write one after units/overlap/app-next@.service, or: cutover init ${unit} --strategy socket`,
    });
  }
  const beside = (await systemd.property(unit, 'Unit', 'DropInPaths')) as string[];
  const paths = [fragmentPath, ...beside.filter(isWanted)];
  const files = await Promise.all(paths.map((path) => readOne(path, manager)));
  return { texts: files.map(({ text }) => text), mode: files.reduce((all, { mode }) => all & mode, 0o644) };
}

/** The settings of a section, one a line, without comments; a "\" at the end of a line joins it with the next (systemd.syntax(7)). */
export function settingsOf(text: string, section: string): string[] {
  const found: string[] = [];
  let at = '';
  let joined = '';
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = `${joined}${line}`.trim();
    joined = '';
    const heading = /^\[(.+)\]$/.exec(whole);
    if (heading) at = heading[1] ?? '';
    else if (at === section && whole !== '') found.push(whole.replace(/^([^=\s]+)\s*=\s*/, '$1='));
  }
  return found;
}

async function readOne(path: string, manager: ManagerKind): Promise<{ text: string; mode: number }> {
  try {
    const [{ mode }, text] = await Promise.all([stat(path), readFile(path, 'utf8')]);
    return { text, mode };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, 'cannot read', path);
    throw new CutoverError(
      'refused',
      `${path} is not there any more, and systemd still goes by it; nothing was changed`,
      {
        mend: `${systemctl(manager, 'daemon-reload')}, and again`,
        cause: error,
      },
    );
  }
}
