import { CutoverError, type ErrorCode, isCutoverError, messageOf } from '../../../base/errors.ts';
import { openController } from '../../../base/wait.ts';
import { journalctl, systemctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import { type EndedChange, goneOnWith, takenBack } from '../ended-change.ts';
import { initCommand } from '../names.ts';
import { problemOf } from '../problem.ts';
import {
  type Crossing,
  enterSocket,
  leaveSocket,
  prepareSocket,
  removeOurs,
  standingOf,
  watchAsItIs,
} from './crossing.ts';
import { finish } from './finish.ts';
import { clearTemporary } from './our-files.ts';
import { ourUnits } from './our-units.ts';
import { proveServing } from './proof.ts';
import { type ChangeRecord, clearRecord, readRecord } from './record.ts';

/** The unit of a change. */
export function crossingOf({ systemd, config, target }: Place, { unit, directory }: ChangeRecord): Crossing {
  return { systemd, manager: config.manager, target, units: ourUnits(unit, directory) };
}

/**
 * Takes a change back, from wherever it has got to, and asks whether the service serves as before. One that does not, as when
 * its build broke meanwhile, keeps no file back: a rollback has to find everything in its place.
 * @returns what is wrong with the service; null: nothing
 * @throws what stands in the way; the record stays, so that the next call goes on
 */
export async function takeBack(place: Place, record: ChangeRecord): Promise<Error | null> {
  const crossing = crossingOf(place, record);
  const isOut = record.from === 'restart';
  if (!isOut) await prepareSocket(crossing, record.files, 'before');
  const problem = await problemOf(moveBack(place, record, crossing));
  if (isOut && problem && (await standingOf(crossing)).isSocketOpen) throw problem;
  if (isOut) await removeOurs(crossing);
  await clearRecord(place.paths);
  return problem;
}

async function moveBack(place: Place, { from }: ChangeRecord, crossing: Crossing): Promise<void> {
  const { signal } = openController();
  const sinceMs = Date.now();
  const move = from === 'restart' ? leaveSocket : enterSocket;
  const life = (await move(crossing, signal)) ?? (await watchAsItIs(crossing));
  const target = { ...place.target, strategy: from };
  const proving = { target, sinceMs, life, signal, invocationBefore: null, canBeSeen: false };
  await proveServing(place, proving).finally(life.stop);
}

/**
 * Brings a change to an end that was cut off: one whose proof was there is completed, any other taken back.
 * @returns null: there was none
 * @throws what stands in the way
 */
export async function endUnfinished(place: Place): Promise<EndedChange | null> {
  const record = await readRecord(place.paths);
  if (record === null) return null;
  const { from, to, unit, isProven, config, files } = record;
  const { manager } = place.config;
  await clearTemporary([...files, config].map(({ path }) => path));
  const what = `a change of ${unit} from strategy "${from}" to "${to}" had been cut off`;
  if (isProven) {
    const lacking = await finish(place, record);
    // Nobody is kept from a rollback by what can be written later.
    const ended = lacking === null ? ', and was completed' : `; ${lacking.message} -> ${lacking.mend}`;
    return goneOnWith(`${what} after its proof${ended}`, lacking);
  }
  try {
    const problem = await takeBack(place, record);
    const text = `${what}, and was taken back first${problem ? `; but ${problem.message}` : ''}`;
    const mend = `${journalctl(manager, unit)}; an older build: cutover rollback ${place.target.name}`;
    return takenBack(text, problem, mend);
  } catch (error) {
    throw new CutoverError(codeOf(error), `${what}, and cannot be taken back: ${messageOf(error)}`, {
      mend: `${systemctl(manager, `status ${unit}`)}; as root, the same again: ${initCommand(unit, place.paths)} --strategy ${from}`,
      cause: error,
    });
  }
}

/** Who may not do it, or does not reach systemd, is told so; anything else needs a person. */
function codeOf(error: unknown): ErrorCode {
  return isCutoverError(error, 'permission', 'systemd_unavailable', 'bus_lost') ? error.code : 'failed';
}
