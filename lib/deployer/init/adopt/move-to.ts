import { CutoverError } from '../../../base/errors.ts';
import { currentPath } from '../../../builds/layout.ts';
import { restartByJob } from '../../../deploy/restart-job.ts';
import { watchStarted } from '../../../deploy/start.ts';
import { systemctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import { bringFiles } from '../strategy/our-files.ts';
import { proveServing } from '../strategy/proof.ts';
import { lookAtUnit } from '../unit.ts';
import { namedOnBus } from './on-bus.ts';
import type { Adoption } from './record.ts';

/** Where a service runs: on which side of a move. */
export type Side = Adoption['to'];

/**
 * Has systemd know the lines of one side of a move, starts the service anew there, and has it prove that it serves.
 * @throws `refused` where the unit says otherwise; what was wrong with the service
 */
export async function moveTo(
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
  const sinceMs = Date.now();
  await systemd.resetFailed(unit);
  signal.throwIfAborted();
  onRestart();
  const { result } = await restartByJob(systemd, target, signal);
  const { life } = await watchStarted(systemd, unit, result);
  // What runs in a plain directory is no build.
  const health = side === 'builds' ? target.health : { ...target.health, identity: false };
  const known = { target: { ...target, health }, invocationBefore: invocationId, canBeSeen: false, sinceMs };
  await proveServing(place, { ...known, life, signal }).finally(life.stop);
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
