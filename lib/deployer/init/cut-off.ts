import { isCutoverError } from '../../base/errors.ts';
import { isHeld, readHolder } from '../../run/lock.ts';
import type { StatePaths } from '../../run/state.ts';
import { initCommand } from './names.ts';
import { type Adoption, readAdoption, wayOf } from './adopt/record.ts';
import { type ChangeRecord, readRecord } from './strategy/record.ts';

/** A change of a unit that was begun and has not ended: half of its files may be there. */
export interface UnfinishedChange {
  message: string;
  mend: string;
}

/**
 * The change of strategy, or the move into or out of a builds directory, that has not ended; null: there is none. A record that
 * cannot be read is one, too.
 * @throws `permission`
 */
export async function unfinishedChange(paths: StatePaths): Promise<UnfinishedChange | null> {
  const found = await foundIn(paths);
  if (found === null || 'message' in found) return found;
  if (await isOthersHold(paths)) return { message: `${found.what} is at work`, mend: 'wait for its end' };
  return cutOff(found);
}

/** The same for who holds the target it is of: nobody is at work on it. @throws `permission` */
export async function cutOffChange(paths: StatePaths): Promise<UnfinishedChange | null> {
  const found = await foundIn(paths);
  return found === null || 'message' in found ? found : cutOff(found);
}

/** A change by its record. */
interface Recorded {
  what: string;
  /** the commands that bring it to an end */
  ends: string;
}

function cutOff({ what, ends }: Recorded): UnfinishedChange {
  return { message: `${what} was cut off`, mend: ends };
}

async function foundIn(paths: StatePaths): Promise<Recorded | UnfinishedChange | null> {
  return readChange(paths).catch((error: unknown) => {
    if (!isCutoverError(error, 'refused')) throw error;
    return { message: error.message, mend: error.mend ?? '' };
  });
}

/** Who holds the target and asks has tried to end it. */
async function isOthersHold(paths: StatePaths): Promise<boolean> {
  return (await isHeld(paths)) && (await readHolder(paths))?.pid !== process.pid;
}

async function readChange(paths: StatePaths): Promise<Recorded | null> {
  const [adoption, change] = await Promise.all([readAdoption(paths), readRecord(paths)]);
  if (adoption !== null) return moveOf(adoption, initCommand(adoption.unit, paths));
  return change && strategyOf(change, initCommand(change.unit, paths));
}

function moveOf(adoption: Adoption, init: string): Recorded {
  const { unit, to } = adoption;
  const [on, back] = [`${init} --adopt`, `${init} --adopt --undo`];
  const ends = to === 'builds' ? `${on} (goes on), or ${back}` : `${back} (goes on), or ${on}`;
  return { what: `a move of ${unit} to ${wayOf(adoption, to)}`, ends };
}

function strategyOf({ unit, from, to }: ChangeRecord, init: string): Recorded {
  const command = `${init} --strategy`;
  return {
    what: `a change of ${unit} from strategy "${from}" to "${to}"`,
    ends: `${command} ${to} (goes on), or ${command} ${from}`,
  };
}
