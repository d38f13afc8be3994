import { join } from 'node:path';
import { isCutoverError, messageOf } from '../base/errors.ts';
import { clearIncoming } from '../builds/intake/incoming.ts';
import { incomingName } from '../builds/layout.ts';
import { asideName, type LeftOver, listLeftOver, putBackLeftOver, removeRests } from '../builds/removal.ts';
import { sizeOf } from '../builds/size.ts';
import { takeLock } from '../run/lock.ts';
import { groundOf, tidying, whileHeld } from './held.ts';
import type { Place } from './place.ts';
import { carryOutVerdict, judgeBuilds } from './prune-builds.ts';
import { readKnowledge, requireOwnPlaces } from './prune-known.ts';
import { countedBefore, recordsToGo } from './prune-records.ts';
import { removeItems } from './prune-removal.ts';
import { addFailure, emptyReport, type PrunedItem, type PruneReport } from './prune-report.ts';

/**
 * Removes what the keep rules do not keep: builds, evidence, ledgers and logs. What cannot be removed is told, and the
 * others go on.
 * @throws `locked`, `no_build`, `refused`, `permission`, `disk`, `timeout`
 */
export async function prune(
  place: Place,
  { isDryRun, waitMs }: { isDryRun: boolean; waitMs: number },
): Promise<PruneReport> {
  if (isDryRun) return pruneNow(place, { isDryRun, isMeasured: true });
  return whileHeld(place, { doing: tidying.asked, waitMs }, () => pruneNow(place, { isDryRun, isMeasured: true }));
}

/**
 * The prune after a run, once its outcome is told: never an error, and nothing where another run has the target already,
 * since that one prunes after itself. Says in a note what it removed, or why it could not. Takes the target by itself:
 * not to be called by whoever holds it.
 */
export async function pruneAfter(place: Place): Promise<void> {
  const { paths, signal } = place;
  if (signal.aborted) return;
  await unlessItFails(place, async () => {
    const lock = await takeLock(paths, {
      doing: tidying.afterRun,
      ground: groundOf(place),
      waitMs: 0,
      signal,
      onWaiting: () => {},
    });
    try {
      tellShort(await pruneNow(place, { isDryRun: false, isMeasured: false }), place);
    } finally {
      await lock.release();
    }
  });
}

/**
 * The prune before a run, where the disk is nearly as full as it may be: for whoever holds the target. Never an error.
 * @param wanted the build that the run is for; null: none was named
 */
export async function makeRoom(place: Place, wanted: string | null): Promise<void> {
  await unlessItFails(place, async () => {
    tellShort(await pruneNow(place, { isDryRun: false, isMeasured: false, wanted }), place);
  });
}

async function unlessItFails({ emit, target }: Place, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isCutoverError(error, 'locked', 'interrupted')) return;
    emit({ type: 'note', message: `old builds were not removed: ${messageOf(error)} -> cutover prune ${target.name}` });
  }
}

function tellShort({ removed, failed, notes, target }: PruneReport, { emit }: Pick<Place, 'emit'>): void {
  const builds = removed.filter(({ kind }) => kind === 'build').map(({ name }) => name);
  if (builds.length > 0) emit({ type: 'note', message: `removed old builds: ${builds.join(', ')}` });
  for (const { message, mend } of notes) emit({ type: 'note', message: mend ? `${message} -> ${mend}` : message });
  const [first] = failed;
  if (!first) return;
  const others = failed.length === 1 ? '' : ` and ${failed.length - 1} more`;
  const message = `${first.name}${others} could not be removed: ${first.message} -> cutover prune ${target}`;
  emit({ type: 'note', message });
}

async function pruneNow(
  place: Place,
  { isDryRun, isMeasured, wanted = null }: { isDryRun: boolean; isMeasured: boolean; wanted?: string | null },
): Promise<PruneReport> {
  const { target, signal } = place;
  const report = emptyReport(target, isDryRun);
  const left = await endLeftOver(place, report);
  const known = { ...(await readKnowledge(place)), wanted };
  const measure = isMeasured ? signal : null;
  let verdict = await judgeBuilds(place, known, report);
  await measureAll(verdict.go, measure);
  if (!isDryRun && verdict.go.length > 0) verdict = await carryOutVerdict(place, known, { verdict, report });
  report.kept = verdict.kept;
  const rests = await clearRests(place, left.rests, { report, measure });
  if (!isDryRun) rests.push(...(await clearReceived(place, report)));
  const builds = new Set(verdict.kept.map(({ id }) => id));
  const found = await recordsToGo(place, known, builds);
  const records = isDryRun ? found : await countedBefore(found, place, report);
  await measureAll(records, measure);
  report.removed = [...verdict.go, ...rests, ...(isDryRun ? records : await removeItems(records, place, report))];
  const gone = isDryRun ? [] : verdict.go.map(({ name }) => name);
  if (gone.length > 0) place.emit({ type: 'pruned', builds: gone });
  if (measure) report.removed_bytes = report.removed.reduce((sum, { size_bytes }) => sum + (size_bytes ?? 0), 0);
  return report;
}

/** Whole builds that a prune left out of reach when it was cut off are put back, and judged like the others. */
async function endLeftOver(place: Place, report: PruneReport): Promise<LeftOver> {
  const { builds } = place.target;
  await requireOwnPlaces(place);
  const left = await listLeftOver(builds);
  if (left.whole.length === 0) return left;
  if (report.dry_run) {
    const message = `a prune was cut off before it removed ${left.whole.join(', ')}: the next one puts them back, and judges anew`;
    report.notes.push({ message, mend: null });
    return left;
  }
  for (const [name, problem] of await putBackLeftOver(builds)) {
    addFailure(report, { kind: 'build', name, path: join(builds, asideName(name)) }, problem);
  }
  return left;
}

/** What a prune that was cut off has begun to remove. */
async function clearRests(
  { target, signal }: Place,
  names: readonly string[],
  { report, measure }: { report: PruneReport; measure: AbortSignal | null },
): Promise<PrunedItem[]> {
  if (names.length === 0) return [];
  const items = names.map((name): PrunedItem => {
    return { kind: 'rest', name, path: join(target.builds, name), reason: null, size_bytes: null };
  });
  await measureAll(items, measure);
  const problems = report.dry_run ? new Map() : await removeRests(target.builds, signal);
  for (const [name, problem] of problems)
    addFailure(report, { kind: 'rest', name, path: join(target.builds, name) }, problem);
  return items.filter(({ name }) => !problems.has(name));
}

/** What an `add` that died has left; one that is at work keeps its own. */
async function clearReceived({ target: { builds }, signal }: Place, report: PruneReport): Promise<PrunedItem[]> {
  const itemOf = (name: string): PrunedItem => {
    return { kind: 'rest', name, path: join(builds, name), reason: null, size_bytes: null };
  };
  try {
    return (await clearIncoming(builds, signal)).map((name) => itemOf(join(incomingName, name)));
  } catch (error) {
    signal.throwIfAborted();
    addFailure(report, itemOf(incomingName), error);
    return [];
  }
}

async function measureAll(items: PrunedItem[], signal: AbortSignal | null): Promise<void> {
  if (!signal) return;
  for (const item of items) {
    item.size_bytes = await sizeOf(item.path, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      // What may not be read is told of when it cannot be removed.
      if (isCutoverError(error, 'permission')) return null;
      throw error;
    });
  }
}
