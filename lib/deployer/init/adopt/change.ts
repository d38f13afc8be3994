import { CutoverError, isCutoverError, messageOf } from '../../../base/errors.ts';
import type { StagedFile } from '../../../base/files.ts';
import { downtimeMeter } from '../../../deploy/downtime.ts';
import { holdersOf } from '../../../deploy/ports.ts';
import { journalctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import { clearTemporary } from '../strategy/our-files.ts';
import { type EndedChange, goneOnWith, takenBack } from '../ended-change.ts';
import { initCommand } from '../names.ts';
import { wayBackFailed } from '../way-back-failed.ts';
import { copyIn } from './copy.ts';
import { confirm, finish } from './finish.ts';
import type { Kept } from './kept.ts';
import { leftBehindNotes } from './left-behind.ts';
import { moveTo } from './move-to.ts';
import { type Adoption, filesOf, stageAdoption, wayOf, writeAdoption } from './record.ts';
import { takeBack } from './way-back.ts';

/**
 * Moves a service into a builds directory, or back: the copy, the lines beside its unit, one restart, the proof, and the
 * configuration last.
 * @returns how long nobody accepted on the ports, in milliseconds
 * @throws `taken_back` when it did not serve there and serves as before; `failed` when it does not, or where it serves there and that
 *   cannot be written down; what stood in the way before the restart, with nothing changed
 */
export async function carryAdoption(place: Place, adoption: Adoption): Promise<number | null> {
  const { systemd, target, paths } = place;
  const holders = await holdersOf(systemd, target.unit);
  const meter = downtimeMeter(target.ports, async () => holders);
  let isRestarted = false;
  const onRestart = (): void => {
    isRestarted = true;
  };
  await writeAdoption(paths, adoption);
  meter.start();
  const proof = await carry(place, adoption, onRestart).catch(async (error: unknown) => {
    await meter.stop();
    throw await afterFailure(place, adoption, { error, isRestarted });
  });
  const closedMs = await meter.stop();
  await confirm(place, adoption, proof);
  return closedMs;
}

/** What it takes to serve on the other side. @returns the record that says so, which needs no room any more */
async function carry(place: Place, adoption: Adoption, onRestart: () => void): Promise<StagedFile> {
  const { paths, signal } = place;
  const proof = await stageAdoption(paths, { ...adoption, isProven: true });
  if (adoption.to === 'builds') await copyIn({ ...adoption, signal });
  await moveTo(adoption.to, place, adoption, { signal, onRestart });
  signal.throwIfAborted();
  return proof;
}

/** Takes everything back. @returns what to throw */
async function afterFailure(
  place: Place,
  adoption: Adoption,
  { error, isRestarted }: { error: unknown; isRestarted: boolean },
): Promise<unknown> {
  const { unit, to } = adoption;
  const init = initCommand(unit, place.paths);
  const look = journalctl(place.config.manager, unit);
  const what = `${unit} does not serve from ${wayOf(adoption, to)}: ${messageOf(error)}`;
  const failed = (second: unknown, then: string): CutoverError =>
    wayBackFailed(what, second, { mend: `${look}; ${then}`, cause: error });
  const back = await takeBack(place, adoption).catch((second: unknown) =>
    failed(second, `then go on with the way back: ${init} --adopt${to === 'builds' ? ' --undo' : ''}`),
  );
  if (back instanceof Error) return back;
  const { where, mend } = endOf(adoption, back.kept, place);
  if (back.problem) return failed(back.problem, mend ?? 'everything is as before');
  if (!isRestarted && isCutoverError(error)) return error;
  const isInterrupted = isCutoverError(error, 'interrupted');
  const before = wayOf(adoption, to === 'builds' ? 'directory' : 'builds');
  const ended = `${isInterrupted ? messageOf(error) : what}; it serves from ${before} again, ${where}`;
  const steps = mend === null ? look : `${look}; ${mend}`;
  return new CutoverError(isRestarted ? 'taken_back' : 'refused', ended, { mend: steps, cause: error });
}

/** What becomes of what the service wrote where it did not stay: each thing of it is named, and then what to type. */
function endOf({ unit }: Adoption, kept: Kept | null, { emit }: Place): { where: string; mend: string | null } {
  if (kept === null) return { where: 'as before', mend: null };
  for (const message of kept.notes) emit({ type: 'note', message });
  return { where: `and ${writtenBy(unit, kept)}`, mend: kept.next };
}

function writtenBy(unit: string, { path }: Kept): string {
  return `what ${unit} wrote meanwhile lies in ${path}`;
}

/** Brings a move to an end that was cut off: one that was proven is completed, any other taken back. */
export async function endAdoption(place: Place, adoption: Adoption): Promise<EndedChange> {
  const { unit, to, isProven } = adoption;
  await clearTemporary(filesOf(adoption).map(({ path }) => path));
  const what = `a move of ${unit} to ${wayOf(adoption, to)} had been cut off`;
  if (isProven) {
    const lacking = await finish(place, adoption);
    const missing = to === 'builds' ? await leftBehindNotes(adoption) : [];
    // Nobody is kept from a rollback by what can be written later.
    const ended = lacking === null ? ', and was completed' : `; ${lacking.message} -> ${lacking.mend}`;
    return goneOnWith([`${what} after its proof${ended}`, ...missing].join('; '), lacking);
  }
  const { problem, kept } = await takeBack(place, adoption);
  const ended = `${what}, and was taken back first${problem ? `; but ${problem.message}` : ''}`;
  const left = kept === null ? [] : [writtenBy(unit, kept), ...kept.notes, `then: ${kept.next}`];
  return takenBack([ended, ...left].join('; '), problem, journalctl(place.config.manager, unit));
}
