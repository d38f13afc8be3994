import { join } from 'node:path';
import { CutoverError, isCutoverError } from '../../../base/errors.ts';
import { isThere } from '../../../base/files.ts';
import { openController } from '../../../base/wait.ts';
import { isUp } from '../../../systemd/facts.ts';
import { systemctl } from '../../../systemd/typed.ts';
import { usesBelow } from '../../../systemd/usage.ts';
import type { Place } from '../../place.ts';
import { problemOf } from '../problem.ts';
import { bringFiles } from '../strategy/our-files.ts';
import { removeCopy, removeMade } from './copy.ts';
import { type Kept, keepWritten, writtenOnTheWay } from './kept.ts';
import { moveTo, type Side } from './move-to.ts';
import { type Adoption, clearAdoption } from './record.ts';

/** What a move that was taken back has come to. */
interface TakenBack {
  /** what is wrong with the service; null: nothing */
  problem: Error | null;
  /** where the service has written, and does not run any more; null: nowhere */
  kept: Kept | null;
}

/**
 * Takes a move back, from wherever it has got to: a service that was not started anew meanwhile is left alone.
 * @throws what stands in the way; the record stays, so that the next call goes on
 */
export async function takeBack(place: Place, adoption: Adoption): Promise<TakenBack> {
  const { systemd, paths } = place;
  const { unit, to, lines, invocationId } = adoption;
  const side: Side = to === 'builds' ? 'directory' : 'builds';
  await bringFiles([lines], to === 'builds' ? 'before' : 'after');
  await systemd.reload();
  const facts = await systemd.facts(unit);
  const isUntouched = isUp(facts) && facts.invocationId === invocationId;
  const how = { signal: openController().signal, onRestart: () => {} };
  const problem = isUntouched ? null : await problemOf(moveTo(side, place, adoption, how));
  if (to === 'builds' && problem !== null) await requireOut(place, adoption, problem);
  const kept =
    to === 'builds' ? await clearBuilds(place, adoption, isUntouched) : await leaveDirectory(adoption, isUntouched);
  await clearAdoption(paths);
  return { problem, kept };
}

/** A service that could not be stopped runs in the copy still, and nothing there is touched until it has ended. @throws `failed` */
async function requireOut({ systemd, config }: Place, adoption: Adoption, problem: Error): Promise<void> {
  const { unit, builds, build } = adoption;
  if (!(await isThere(builds))) return;
  const [own, { uses }] = await Promise.all([systemd.processes(unit), usesBelow(builds)]);
  const inside = (uses.get(build) ?? []).find(({ pid }) => pid !== null && own.includes(pid));
  if (inside === undefined) return;
  const what = `${problem.message}; ${unit} (pid ${inside.pid}) runs in ${join(builds, build)} still, which stays`;
  throw new CutoverError('failed', what, { mend: systemctl(config.manager, 'list-jobs'), cause: problem });
}

/** The service has ended in the copy by now: what it wrote there up to its end is known. */
async function clearBuilds(place: Place, adoption: Adoption, isUntouched: boolean): Promise<Kept | null> {
  try {
    const kept = isUntouched ? null : await keepWritten(adoption);
    if (kept !== null) return kept;
    await removeCopy(adoption);
    await removeMade(adoption.folders);
  } catch (error) {
    leaveThere(error, place);
  }
  return null;
}

/** Nothing of the old directory is touched. */
async function leaveDirectory(adoption: Adoption, isUntouched: boolean): Promise<Kept | null> {
  return isUntouched ? null : writtenOnTheWay(adoption);
}

/** A link that somebody put in the way is not followed, and keeps no later run from the target. */
function leaveThere(error: unknown, { emit }: Place): void {
  if (!isCutoverError(error, 'refused')) throw error;
  emit({ type: 'note', message: `what was copied is left where it is: ${error.message}` });
}
