import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { atMost, looksAtOnce } from '../base/at-most.ts';
import { isCutoverError } from '../base/errors.ts';
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

type LookedAt = Pick<Place, 'target' | 'paths' | 'systemd' | 'config' | 'signal'> & {
  /** throws `timeout` where the file system of a directory does not answer; absent: it is waited for */
  verifyAnswer?: (directory: string) => Promise<void>;
};

/** Bus, health addresses and journal together; the unit counts as not seen after it. */
const presentTimeoutMs = 30_000;

/**
 * What the metrics of a target are made from. What cannot be found out is left out, so that what is known is told.
 * @throws `permission` where the records of runs may not be read; `timeout` where their file system does not answer; the
 * signal's reason
 */
export async function metricFacts(place: LookedAt): Promise<TargetFacts> {
  const { target, paths, config, signal } = place;
  const { name, unit, strategy } = target;
  const [present, disks, builds] = await Promise.all([presentFacts(place), diskFacts(place), buildCounts(place)]);
  signal.throwIfAborted();
  await place.verifyAnswer?.(paths.directory);
  // Last, so that a run which ended while the service was asked is counted.
  const [tally, [last]] = await Promise.all([readTotals(paths), history(paths, 1)]);
  const lastRun = last ? { kind: last.kind, outcome: last.outcome } : null;
  return { app: config.app, target: name, unit, strategy, version, tally, lastRun, present, disks, builds };
}

/**
 * The metrics of targets in the text format of Prometheus; of one whose records do not answer there are none.
 * @throws `permission` where the records of runs may not be read; the signal's reason
 */
export async function metricsText(places: readonly LookedAt[]): Promise<string> {
  const found = await atMost(looksAtOnce, places, (place) => metricFacts(place).catch(unanswered));
  return expositionOf(familiesOf(found.filter((facts) => facts !== null)));
}

function unanswered(error: unknown): null {
  if (isCutoverError(error, 'timeout')) return null;
  throw error;
}

async function presentFacts(place: LookedAt): Promise<PresentFacts | null> {
  const { signal } = place;
  const bounds = { what: 'the unit was not looked at', timeoutMs: presentTimeoutMs, signal };
  return withDeadline(bounds, (ended) => presentNow({ ...place, signal: ended })).catch(() => null);
}

async function presentNow(place: LookedAt): Promise<PresentFacts> {
  await verifyAnswers(place);
  const { health, builds } = place.target;
  const { healthy, state, restarts, memory_bytes: memoryBytes, since, in_flight, ...found } = await status(place);
  const changedMs = since === null ? null : Date.parse(since);
  // Where a service may run from anywhere, the link alone tells what it serves.
  const build = health.identity ? found.serving : found.current;
  const origin = await originOf(builds, build);
  const unit = { healthy, active: state === 'active', restarts, memoryBytes, changedMs };
  return { ...unit, build, ...origin, isInFlight: in_flight !== null };
}

/** What hangs would keep one of Node's four threads for each file that is asked for. @throws `timeout` */
async function verifyAnswers({ target, paths, verifyAnswer }: LookedAt): Promise<void> {
  for (const directory of [target.builds, paths.directory]) await verifyAnswer?.(directory);
}

async function diskFacts({ target, paths, verifyAnswer }: LookedAt): Promise<DiskFacts[]> {
  const spaceOf = async (path: string): Promise<StatsFs> => {
    await verifyAnswer?.(path);
    return statfs(path);
  };
  const found = [target.builds, paths.directory].map(async (path): Promise<DiskFacts | null> => {
    const space = await spaceOf(path).catch(() => null);
    return space && { path, sizeBytes: space.blocks * space.bsize, availableBytes: space.bavail * space.bsize };
  });
  return (await Promise.all(found)).filter((disk) => disk !== null);
}

async function buildCounts(place: LookedAt): Promise<TargetFacts['builds']> {
  const { target, paths } = place;
  try {
    await verifyAnswers(place);
    const [ids, quarantined] = await Promise.all([listBuildIds(target.builds), readQuarantine(paths)]);
    return { there: ids.length, quarantined: ids.filter((id) => Object.hasOwn(quarantined, id)).length };
  } catch {
    return null;
  }
}
