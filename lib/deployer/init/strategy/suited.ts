import { currentBuild } from '../../../builds/current.ts';
import { CutoverError } from '../../../base/errors.ts';
import type { Finding } from '../../../checks/check.ts';
import { askDoctor } from '../../../checks/doctor.ts';
import type { TargetConfig } from '../../../config/model.ts';
import { servingBuild } from '../../../deploy/identity.ts';
import { lastRunOf } from '../../../deploy/last-run.ts';
import { standInOf } from '../../../deploy/stand-in.ts';
import type { Place } from '../../place.ts';
import type { SeenUnit } from '../unit.ts';

/** What the unit doctor says of the files as systemd has read them, with what is bad first. @param isThorough a person waits for it */
export async function findingsOn(place: Place, target: TargetConfig, isThorough: boolean): Promise<Finding[]> {
  const { systemd, paths } = place;
  const [unit, build] = await Promise.all([systemd.known(target.unit), currentBuild(target.builds)]);
  const standIn = target.strategy === 'overlap' && build !== null ? standInOf(target.unit, build) : null;
  const about = { target, ...unit, standIn, lastRun: () => lastRunOf(paths), isThorough };
  const answer = await askDoctor(about, systemd);
  const { findings = [{ rule: 'daemon_reload', ...answer }] } = answer;
  return findings.filter(({ status }) => status !== 'pass');
}

/** @throws `refused` where a deploy by the strategy would be refused, too */
export async function requireSuited(place: Place, target: TargetConfig): Promise<void> {
  const bad = (await findingsOn(place, target, false)).find(({ status }) => status === 'fail');
  if (!bad) return;
  throw new CutoverError('refused', `${bad.observed}; nothing was restarted`, { mend: bad.mend ?? undefined });
}

/** A restart starts what `current` names: that has to be what serves already. @throws `refused` */
export async function requireCurrent({ target, config }: Place, { facts }: SeenUnit): Promise<void> {
  const current = await currentBuild(target.builds);
  const serving = await servingBuild(target.builds, facts, current);
  if (serving === null || serving === current) return;
  const option = config.file === null ? '' : ` --config ${config.file}`;
  throw new CutoverError('refused', `${facts.unit} runs ${serving}, but current names ${current ?? 'nothing'}`, {
    mend: `cutover deploy ${target.name} ${serving}${option}, and again`,
  });
}
