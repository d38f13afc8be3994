import { originOf } from '../builds/origin.ts';
import { currentBuild } from '../builds/current.ts';
import { askAll, type CheckAnswer } from '../checks/check.ts';
import { configuredChecks, isAnyConfigured } from '../checks/configured.ts';
import { asBefore } from '../deploy/configured-checks.ts';
import type { Place } from './place.ts';
import { previousBuild } from './previous.ts';

/** Asks the configured questions of the monitor, between deploys. What may be mended is. @throws the signal's reason */
export async function askMonitorChecks(place: Place): Promise<CheckAnswer[]> {
  const { target, config, systemd, redact, signal } = place;
  if (!isAnyConfigured(target, 'monitor')) return [];
  const [current, previous] = await Promise.all([currentBuild(target.builds), previousBuild(place)]);
  const { revision, branch } = await originOf(target.builds, current);
  const context = { app: config.app, target, run: null, build: current, current, previous, revision, branch };
  const subject = { context, manager: config.manager, systemd, redact, signal, mayMend: true };
  const isFirst = current === null;
  const asked = asBefore(await configuredChecks('monitor', subject), { isFirst, isFixForward: false });
  const answers = await askAll(asked);
  signal.throwIfAborted();
  return answers;
}
