import { currentBuild } from '../../../builds/current.ts';
import type { DowntimeMeter } from '../../../deploy/downtime.ts';
import { proveStandIn, startStandIn, stopStandIns } from '../../../deploy/stand-in.ts';
import type { RunInputs } from '../../../run/inputs.ts';
import type { Place } from '../../place.ts';

/** What a build says that serves already is no secret to whoever deploys it. */
const asItIs = (text: string): string => text;
/** Nothing is down while a stand-in comes up. */
const noMeter: DowntimeMeter = { prepare() {}, start() {}, opened: async () => true, stop: () => Promise.resolve(0) };

/**
 * Starts a stand-in of the build that serves beside it, proves it as a deploy would, and stops it: so the first deploy is
 * not what finds out that the template does not work.
 * @param target with the strategy `overlap`
 * @throws `StepFailure`, `timeout`
 */
export async function rehearseStandIn(place: Place, target: Place['target'], signal: AbortSignal): Promise<void> {
  const { systemd, config, emit } = place;
  const build = await currentBuild(target.builds);
  if (build === null) return;
  const { app, manager, logs } = config;
  const builds = { from: build, to: build, back: build };
  const about = { run: '', kind: 'deploy' as const, app, manager, logs, target, ...builds };
  const inputs: RunInputs = { ...about, invocationBefore: '', memoryBefore: null, startedAt: '' };
  try {
    const { life } = await startStandIn(inputs, systemd, signal);
    const tools = { systemd, emit, meter: noMeter, transcript: [], life, signal, redact: asItIs };
    await proveStandIn(inputs, tools).finally(life.stop);
  } finally {
    await stopStandIns(systemd, target);
  }
}
