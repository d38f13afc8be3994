import { currentBuild } from '../builds/current.ts';
import { type CheckAnswer, isSafe } from '../checks/check.ts';
import { preflight } from '../deploy/preflight.ts';
import { readInFlight } from '../run/in-flight.ts';
import { chooseCandidate } from './deploy.ts';
import type { Place } from './place.ts';

/** What `cutover check` prints. */
export interface CheckReport {
  target: string;
  safe: boolean;
  checks: CheckAnswer[];
}

/** The pre-deployment checks on their own (S1); changes nothing and takes no lock. */
export async function check(
  place: Place,
  { build, isFixForward }: { build?: string | undefined; isFixForward: boolean } = { isFixForward: false },
): Promise<CheckReport> {
  const { target, config, paths, systemd, emit } = place;
  const [facts, current, candidate, inFlight] = await Promise.all([
    systemd.facts(target.unit),
    currentBuild(target.builds),
    chooseCandidate(place, build),
    readInFlight(paths),
  ]);
  const isFirst = current === null;
  const subject = { target, facts, state: config.state, candidate, inFlight, isFirst, isFixForward };
  const checks = await preflight(subject, (answer) => emit({ type: 'check', answer }));
  return { target: target.name, safe: isSafe(checks), checks };
}
