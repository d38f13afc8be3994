import { CutoverError, isCutoverError, messageOf } from '../../../base/errors.ts';
import { readIfThere } from '../../../base/files.ts';
import { downtimeMeter } from '../../../deploy/downtime.ts';
import { holdersOf } from '../../../deploy/ports.ts';
import { journalctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import { bringFiles, clearTemporary } from '../strategy/our-files.ts';
import { wayBackFailed } from '../way-back-failed.ts';
import { copyIn } from './copy.ts';
import { afterKept, type Kept } from './kept.ts';
import { leftBehindNotes } from './left-behind.ts';
import { moveTo } from './move-to.ts';
import { type Adoption, clearAdoption, filesOf, wayOf, writeAdopted, writeAdoption } from './record.ts';
import { takeBack } from './way-back.ts';

/**
 * Moves a service into a builds directory, or back: the copy, the lines beside its unit, one restart, the proof, and the
 * configuration last.
 * @returns how long nobody accepted on the ports, in milliseconds
 * @throws `taken_back` when it did not serve there and serves as before; `failed` when it does not; what stood in the way
 *   before the restart, with nothing changed
 */
export async function carryAdoption(place: Place, adoption: Adoption): Promise<number | null> {
  const { systemd, target, paths, signal } = place;
  const holders = await holdersOf(systemd, target.unit);
  const meter = downtimeMeter(target.ports, async () => holders);
  let isRestarted = false;
  const onRestart = (): void => {
    isRestarted = true;
  };
  await writeAdoption(paths, adoption);
  meter.start();
  try {
    if (adoption.to === 'builds') await copyIn({ ...adoption, signal });
    await moveTo(adoption.to, place, adoption, { signal, onRestart });
    signal.throwIfAborted();
  } catch (error) {
    await meter.stop();
    throw await afterFailure(place, adoption, { error, isRestarted });
  }
  await complete(place, adoption);
  return meter.stop();
}

/** From the first of these on, whoever comes after a killed process goes on instead of back. */
async function complete(place: Place, adoption: Adoption): Promise<void> {
  const { paths } = place;
  await writeAdoption(paths, { ...adoption, isProven: true });
  await finish(place, adoption);
}

async function finish({ paths }: Place, adoption: Adoption): Promise<void> {
  const { unit, source, builds, build, shared, lines, config, to } = adoption;
  // What somebody has written there since is theirs.
  if (config && (await readIfThere(config.path)) === config.before) await bringFiles([config], 'after');
  await writeAdopted(paths, to === 'builds' ? { unit, source, builds, build, shared, lines } : null);
  await clearAdoption(paths);
}

/** Takes everything back. @returns what to throw */
async function afterFailure(
  place: Place,
  adoption: Adoption,
  { error, isRestarted }: { error: unknown; isRestarted: boolean },
): Promise<unknown> {
  const { unit, to } = adoption;
  const look = journalctl(place.config.manager, unit);
  const what = `${unit} does not serve from ${wayOf(adoption, to)}: ${messageOf(error)}`;
  const failed = (second: unknown, then: string): CutoverError =>
    wayBackFailed(what, second, { mend: `${look}; ${then}`, cause: error });
  const back = await takeBack(place, adoption).catch((second: unknown) =>
    failed(second, `then go on with the way back: cutover init ${unit} --adopt`),
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
function endOf({ source, unit }: Adoption, kept: Kept | null, { emit }: Place): { where: string; mend: string | null } {
  if (kept === null) return { where: 'as before', mend: null };
  for (const message of kept.notes) emit({ type: 'note', message });
  return { where: `and ${writtenBy(unit, kept)}`, mend: afterKept(source, kept.path) };
}

function writtenBy(unit: string, { path }: Kept): string {
  return `what ${unit} wrote meanwhile lies in ${path}`;
}

/** Brings a move to an end that was cut off: one that was proven is completed, any other taken back. @returns what was done, in words */
export async function endAdoption(place: Place, adoption: Adoption): Promise<string> {
  const { unit, to, isProven } = adoption;
  await clearTemporary(filesOf(adoption).map(({ path }) => path));
  const what = `a move of ${unit} to ${wayOf(adoption, to)} had been cut off`;
  if (isProven) {
    await finish(place, adoption);
    const missing = to === 'builds' ? await leftBehindNotes(adoption) : [];
    return [`${what} after its proof, and was completed`, ...missing].join('; ');
  }
  const { problem, kept } = await takeBack(place, adoption);
  const ended = `${what}, and was taken back first${problem ? `; but ${problem.message}` : ''}`;
  if (kept === null) return ended;
  return [ended, writtenBy(unit, kept), ...kept.notes, `then: ${afterKept(adoption.source, kept.path)}`].join('; ');
}
