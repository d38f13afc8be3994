import { CutoverError, isCutoverError, messageOf } from '../../../base/errors.ts';
import { readIfThere } from '../../../base/files.ts';
import { openController } from '../../../base/wait.ts';
import { currentPath } from '../../../builds/layout.ts';
import { downtimeMeter } from '../../../deploy/downtime.ts';
import { holdersOf } from '../../../deploy/ports.ts';
import { restartByJob } from '../../../deploy/restart-job.ts';
import { watchStarted } from '../../../deploy/start.ts';
import { isRunning } from '../../../systemd/facts.ts';
import { journalctl, systemctl } from '../../../systemd/typed.ts';
import { problemOf } from '../problem.ts';
import type { Place } from '../../place.ts';
import { lookAtUnit } from '../unit.ts';
import { bringFiles, clearTemporary } from '../strategy/our-files.ts';
import { proveServing } from '../strategy/proof.ts';
import { wayBackFailed } from '../way-back-failed.ts';
import { copyIn, removeCopy, removeMade } from './copy.ts';
import { leftBehindNotes } from './left-behind.ts';
import { namedOnBus } from './on-bus.ts';
import { type Adoption, clearAdoption, filesOf, wayOf, writeAdopted, writeAdoption } from './record.ts';

type Side = Adoption['to'];

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

async function moveTo(
  side: Side,
  place: Place,
  adoption: Adoption,
  { signal, onRestart }: { signal: AbortSignal; onRestart: () => void },
): Promise<void> {
  const { systemd, target } = place;
  const { unit, lines } = adoption;
  await bringFiles([lines], side === 'builds' ? 'after' : 'before');
  await systemd.reload();
  await requireDirectory(place, adoption, side);
  const { invocationId } = await systemd.facts(unit);
  await systemd.resetFailed(unit);
  signal.throwIfAborted();
  onRestart();
  const { result } = await restartByJob(systemd, target, signal);
  const { life } = await watchStarted(systemd, unit, result);
  // What runs in a plain directory is no build.
  const health = side === 'builds' ? target.health : { ...target.health, identity: false };
  const proving = { target: { ...target, health }, invocationBefore: invocationId, canBeSeen: false, life, signal };
  await proveServing(place, proving).finally(life.stop);
}

/** Lines of somebody else, read after ours, may say otherwise. */
async function requireDirectory({ systemd, config }: Place, adoption: Adoption, side: Side): Promise<void> {
  const { unit, source, builds, shared } = adoption;
  const current = currentPath(builds);
  const [{ directory }, { properties }] = await Promise.all([
    lookAtUnit(systemd, unit, config.manager),
    systemd.known(unit),
  ]);
  const wanted = side === 'builds' ? current : source;
  const [old] = side === 'builds' ? namedOnBus(properties, { source, current, shared }) : [];
  if (directory === wanted && old === undefined) return;
  const read = old ? `${old.setting}= with ${old.path}` : (directory ?? 'no directory');
  const what = `${unit} is to run in ${wanted}, and systemd reads ${read}`;
  throw new CutoverError('refused', what, { mend: systemctl(config.manager, `cat ${unit}`) });
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
  try {
    const problem = await takeBack(place, adoption);
    if (problem) return failed(problem, 'everything is as before');
  } catch (second) {
    return failed(second, `then go on with the way back: cutover init ${unit} --adopt`);
  }
  if (!isRestarted && isCutoverError(error)) return error;
  const isInterrupted = isCutoverError(error, 'interrupted');
  const before = wayOf(adoption, to === 'builds' ? 'directory' : 'builds');
  const ended = `${isInterrupted ? messageOf(error) : what}; it serves from ${before} again, as before`;
  return new CutoverError(isRestarted ? 'taken_back' : 'refused', ended, { mend: look, cause: error });
}

/**
 * Takes a move back, from wherever it has got to: a service that was not started anew meanwhile is left alone.
 * @returns what is wrong with the service; null: nothing
 * @throws what stands in the way; the record stays, so that the next call goes on
 */
export async function takeBack(place: Place, adoption: Adoption): Promise<Error | null> {
  const { systemd, paths } = place;
  const { unit, to, lines, invocationId, folders } = adoption;
  const side: Side = to === 'builds' ? 'directory' : 'builds';
  await bringFiles([lines], to === 'builds' ? 'before' : 'after');
  await systemd.reload();
  const facts = await systemd.facts(unit);
  const isUntouched = isRunning(facts) && facts.invocationId === invocationId;
  const how = { signal: openController().signal, onRestart: () => {} };
  const problem = isUntouched ? null : await problemOf(moveTo(side, place, adoption, how));
  if (to === 'builds') {
    await removeCopy(adoption)
      .then(() => removeMade(folders))
      .catch((error: unknown) => leaveThere(error, place));
  }
  await clearAdoption(paths);
  return problem;
}

/** A link that somebody put in the way is not followed, and keeps no later run from the target. */
function leaveThere(error: unknown, { emit }: Place): void {
  if (!isCutoverError(error, 'refused')) throw error;
  emit({ type: 'note', message: `what was copied is left where it is: ${error.message}` });
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
  const problem = await takeBack(place, adoption);
  return `${what}, and was taken back first${problem ? `; but ${problem.message}` : ''}`;
}
