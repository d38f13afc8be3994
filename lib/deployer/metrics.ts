import { statfs } from 'node:fs/promises';
import { atMost, looksAtOnce } from '../base/at-most.ts';
import { withDeadline } from '../base/wait.ts';
import { listBuildIds } from '../builds/list.ts';
import { originOf } from '../builds/origin.ts';
import { expositionOf } from '../report/metrics/exposition.ts';
import type { DiskFacts, PresentFacts, TargetFacts } from '../report/metrics/facts.ts';
import { familiesOf } from '../report/metrics/families.ts';
import { readQuarantine } from '../run/quarantine.ts';
import { readTotals } from '../run/totals.ts';
import { version } from '../version.ts';
import { history } from './history.ts';
import type { Place } from './place.ts';
import { status } from './status.ts';

type LookedAt = Pick<Place, 'target' | 'paths' | 'systemd' | 'config' | 'signal'>;

/** Bus, health addresses and journal together; the unit counts as not seen after it. */
const presentTimeoutMs = 30_000;

/**
 * What the metrics of a target are made from. What cannot be found out is left out, so that what is known is told.
 * @throws `permission` where the records of runs may not be read; the signal's reason
 */
export async function metricFacts(place: LookedAt): Promise<TargetFacts> {
  const { target, paths, config, signal } = place;
  const { name, unit, strategy, builds: directory } = target;
  const [present, disks, builds] = await Promise.all([
    presentFacts(place),
    diskFacts([directory, paths.directory]),
    buildCounts(place),
  ]);
  signal.throwIfAborted();
  // Last, so that a run which ended while the service was asked is counted.
  const [tally, [last]] = await Promise.all([readTotals(paths), history(paths, 1)]);
  const lastRun = last ? { kind: last.kind, outcome: last.outcome } : null;
  return { app: config.app, target: name, unit, strategy, version, tally, lastRun, present, disks, builds };
}

/** The metrics of targets in the text format of Prometheus. @throws as `metricFacts` */
export async function metricsText(places: readonly LookedAt[]): Promise<string> {
  return expositionOf(familiesOf(await atMost(looksAtOnce, places, metricFacts)));
}

async function presentFacts(place: LookedAt): Promise<PresentFacts | null> {
  const { signal } = place;
  const bounds = { what: 'the unit was not looked at', timeoutMs: presentTimeoutMs, signal };
  return withDeadline(bounds, (ended) => presentNow({ ...place, signal: ended })).catch(() => null);
}

async function presentNow(place: LookedAt): Promise<PresentFacts> {
  const { health, builds } = place.target;
  const { healthy, state, restarts, memory_bytes: memoryBytes, since, in_flight, ...found } = await status(place);
  const changedMs = since === null ? null : Date.parse(since);
  // Where a service may run from anywhere, the link alone tells what it serves.
  const build = health.identity ? found.serving : found.current;
  const origin = await originOf(builds, build);
  const unit = { healthy, active: state === 'active', restarts, memoryBytes, changedMs };
  return { ...unit, build, ...origin, isInFlight: in_flight !== null };
}

async function diskFacts(paths: readonly string[]): Promise<DiskFacts[]> {
  const found = paths.map(async (path): Promise<DiskFacts | null> => {
    const space = await statfs(path).catch(() => null);
    return space && { path, sizeBytes: space.blocks * space.bsize, availableBytes: space.bavail * space.bsize };
  });
  return (await Promise.all(found)).filter((disk) => disk !== null);
}

async function buildCounts({ target, paths }: LookedAt): Promise<TargetFacts['builds']> {
  try {
    const [ids, quarantined] = await Promise.all([listBuildIds(target.builds), readQuarantine(paths)]);
    return { there: ids.length, quarantined: ids.filter((id) => Object.hasOwn(quarantined, id)).length };
  } catch {
    return null;
  }
}
