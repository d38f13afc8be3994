import { CutoverError } from '../../../base/errors.ts';
import { isThere } from '../../../base/files.ts';
import { systemctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import { type Adopted, adoptedPath } from './record.ts';
import type { SeenUnit } from '../unit.ts';

/** Without the record nobody knows where the service ran before; the lines of ours are all that there may be. @throws `refused` */
export async function withoutRecord(
  { target: { unit }, config: { manager }, paths }: Place,
  path: string,
): Promise<never> {
  if (await isThere(path)) {
    const what = `${adoptedPath(paths)}, which tells where ${unit} ran before, is not there; nothing was changed`;
    const restarting = ['daemon-reload', `restart ${unit}`].map((words) => systemctl(manager, words));
    throw new CutoverError('refused', what, {
      mend: `by hand, as its own file says then (${systemctl(manager, `cat ${unit}`)}): rm ${path}; ${restarting.join('; ')}`,
    });
  }
  throw new CutoverError('refused', `${unit} was not moved by cutover init --adopt; nothing was changed`, {
    mend: systemctl(manager, `cat ${unit}`),
  });
}

/** A record that names another file than the unit's own lines was not written by the move. */
export function notOurs(named: string, record: string): CutoverError {
  const what = `${record} names ${named}, which is no file of the unit; nothing was changed`;
  return new CutoverError('refused', what, { mend: `ls -l ${record}` });
}

/** Somebody took our lines out of the unit: where the service runs now may have changed since the first build was made of it. */
export function reverted({ target, config }: Place, { unit, lines }: Adopted, { directory }: SeenUnit): CutoverError {
  const what = `${unit} was moved into ${target.builds}, and its unit says ${directory ?? 'no directory'} again; nothing was changed`;
  const text = (lines.after ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const back = `to let it be: cutover init ${unit} --adopt --undo`;
  const edit = `to have it run in builds: ${systemctl(config.manager, `edit ${unit}`)}, restart, and write there:`;
  return new CutoverError('refused', what, { mend: [`${back}; ${edit}`, ...text].join('\n') });
}

/** The refusal of a file that somebody else has written. */
export function foreign(path: string): CutoverError {
  return new CutoverError('refused', `${path} is there already; nothing was changed`, {
    mend: `look at it (cat ${path}); to have it replaced: mv ${path} ${path}.saved`,
  });
}
