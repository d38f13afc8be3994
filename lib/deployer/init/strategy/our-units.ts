import { join } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import { readIfThere } from '../../../base/files.ts';
import type { StrategyName } from '../../../config/model.ts';
import { fileOf } from '../../../checks/doctor/mend.ts';
import { standInOf } from '../../../deploy/stand-in.ts';

/** The files that put a unit behind a socket, and what units they are. */
export interface OurUnits {
  socket: string;
  /** the template of the stand-ins */
  template: string;
  socketPath: string;
  templatePath: string;
  /** lines beside the unit's own file; by its name it is read after the others */
  dropInPath: string;
}

/** A file of ours: what it says now, and what it is to say; null: it is not there. */
export interface OurFile {
  path: string;
  before: string | null;
  after: string | null;
  /** permission bits */
  mode: number;
}

/** The first line of each: what bears it may be written anew and removed. */
export const mark = '# Written by `cutover init --strategy`; it is written anew, and removed, by that command.';

const dropInName = 'zz-cutover-strategy.conf';

/** @param directory the manager's folder for units of the administrator */
export function ourUnits(unit: string, directory: string): OurUnits {
  const socket = unit.replace(/\.service$/, '.socket');
  const template = fileOf(standInOf(unit, 'x'));
  return {
    socket,
    template,
    socketPath: join(directory, socket),
    templatePath: join(directory, template),
    dropInPath: join(directory, `${unit}.d`, dropInName),
  };
}

/** What stands in our files; null: it is not there. */
export type OurTexts = Record<'socket' | 'template' | 'dropIn', string | null>;

/** What stands in our files now. @throws `permission`, `refused` when one of them is somebody else's */
export async function readOurs(units: OurUnits): Promise<OurTexts> {
  const { socketPath, templatePath, dropInPath } = units;
  const [socket = null, template = null, dropIn = null] = await Promise.all(
    [socketPath, templatePath, dropInPath].map(async (path) => {
      const text = await readIfThere(path);
      if (text === null || text.startsWith(mark)) return text;
      throw new CutoverError('refused', `${path} is there already, and cutover did not write it; nothing was changed`, {
        mend: `look at it (cat ${path}); units/socket and units/overlap of cutover tell what such files need`,
      });
    }),
  );
  return { socket, template, dropIn };
}

/** The strategy that our files make of a unit. */
export function strategyOf({ socket, template, dropIn }: OurTexts): StrategyName {
  if (template !== null) return 'overlap';
  return socket === null && dropIn === null ? 'restart' : 'socket';
}
