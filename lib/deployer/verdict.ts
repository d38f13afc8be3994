import { CutoverError, ExitCode } from '../base/errors.ts';
import type { CheckAnswer } from '../checks/check.ts';
import type { TargetConfig } from '../config/model.ts';
import { aboutRunning, permissionName } from '../deploy/preflight.ts';
import type { Ending } from '../run/document.ts';
import { isUp } from '../systemd/facts.ts';
import type { Place } from './place.ts';
import type { Situation } from './situation.ts';

/** A failing answer to this alone means that there is no usable build (exit 2), not that the target is unfit. */
const candidateCheck = 'candidate';

interface Forced {
  isForced: boolean;
}

/** What is known of a target before the first step. */
interface Asked {
  situation: Situation;
  checks: CheckAnswer[];
}

export type EarlyEnding = Pick<Ending, 'outcome' | 'exit_code' | 'checks'>;

/** S7: force is for staging; a target has to allow it. @throws `usage` */
export function requireForceAllowed({ target }: Pick<Place, 'target'>, { isForced }: Forced): void {
  if (!isForced || target.allowForce) return;
  throw new CutoverError('usage', `--force is not allowed on ${target.name}`, {
    mend: `cutover check ${target.name}; where force is meant to be possible, set targets.${target.name}.allow_force = true`,
  });
}

/** How the run ends where the checks speak against it, or the build serves already; null: the steps are next. */
export function earlyEnding(place: Pick<Place, 'target'>, asked: Asked, forced: Forced): EarlyEnding | null {
  const { checks } = asked;
  const { isRefused, exitCode } = judge(checks, forced);
  if (isRefused) return { outcome: 'refused', exit_code: exitCode, checks };
  if (servesAlready(place, asked, forced)) return { outcome: 'unchanged', exit_code: ExitCode.done, checks };
  return null;
}

/** Whether there is no step to take, since the build that is to serve does. */
export function servesAlready(
  place: Pick<Place, 'target'>,
  { situation, checks }: Asked,
  { isForced }: Forced,
): boolean {
  const isSame = situation.current === (situation.candidate ?? '') && !isForced;
  return isSame && isServing(place, situation, checks);
}

/** Whether the checks speak against the service that runs now; without an address to ask, health is not known. */
export function isUnwell(checks: CheckAnswer[], { health }: TargetConfig): boolean {
  const isKnown = (name: string): boolean => name !== 'health' || health.urls.length > 0;
  return checks.some(({ name, status }) => aboutRunning.has(name) && status !== 'pass' && isKnown(name));
}

/**
 * Whether the build is not only named by `current` but runs and is well. A link that was moved without a restart
 * leaves the old build serving; a service that is to be repaired does not serve at all.
 */
function isServing(
  { target }: Pick<Place, 'target'>,
  { facts, current, serving }: Situation,
  checks: CheckAnswer[],
): boolean {
  return isUp(facts) && !isUnwell(checks, target) && (serving === current || !target.health.identity);
}

function judge(checks: CheckAnswer[], { isForced }: Forced): { isRefused: boolean; exitCode: number } {
  const failed = checks.filter(({ status }) => status === 'fail').map(({ name }) => name);
  if (failed.includes(permissionName)) return { isRefused: true, exitCode: ExitCode.permission };
  if (failed.includes(candidateCheck)) {
    return { isRefused: true, exitCode: failed.length === 1 || isForced ? ExitCode.noBuild : ExitCode.refused };
  }
  return { isRefused: failed.length > 0 && !isForced, exitCode: ExitCode.refused };
}
