import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf, fileError } from '../base/errors.ts';
import { type Backup, backupsToGo, listBackups } from '../database/retention.ts';
import { listWork } from '../database/work.ts';
import { timeInLogName } from '../report/log-file.ts';
import { evidenceToGo, ledgersToStay, recordPaths } from '../run/retention.ts';
import { foldLedgers } from '../run/totals.ts';
import { unrestoredRuns } from '../run/unrestored.ts';
import type { Place } from './place.ts';
import type { PruneKnowledge } from './prune-known.ts';
import { addFailure, type PrunedItem, type PrunedKind, type PruneReport } from './prune-report.ts';

/** At least so many logs of a target stay. */
const logsKept = 100;

/**
 * The evidence, ledgers, logs and backups that go, and what a killed backup or restore left.
 * @param builds the builds that are still there
 * @throws `permission`
 */
export async function recordsToGo(
  place: Pick<Place, 'target' | 'paths' | 'config'>,
  known: PruneKnowledge,
  builds: ReadonlySet<string>,
): Promise<PrunedItem[]> {
  const facts = { ...known, builds };
  const staying = ledgersToStay(facts);
  const ledgers = known.past.map(({ run }) => run).filter((run) => !staying.has(run));
  const pathsOf = (run: string) => recordPaths(place.paths, run);
  return [
    ...evidenceToGo(facts).map((run) => itemOf('evidence', run, pathsOf(run).evidence)),
    ...ledgers.map((run) => itemOf('ledger', run, pathsOf(run).ledger)),
    ...(await logsToGo(place, staying)).map((path) => itemOf('log', basename(path), path)),
    ...(await oldBackups(place)).map(({ name, path }) => itemOf('backup', name, path)),
    ...(await leftWork(place)).map(({ name, path }) => itemOf('rest', name, path)),
  ];
}

/**
 * Counts the runs whose ledgers go into the totals, so that no counter goes back.
 * @returns what may be removed now: without the ledgers, where they could not be counted
 */
export async function countedBefore(
  items: PrunedItem[],
  { paths }: Pick<Place, 'paths'>,
  report: PruneReport,
): Promise<PrunedItem[]> {
  const ledgers = items.filter(({ kind }) => kind === 'ledger');
  const [first] = ledgers;
  if (!first) return items;
  try {
    const runs = ledgers.map(({ name }) => name);
    await foldLedgers(paths, runs);
    return items;
  } catch (error) {
    addFailure(report, { ...first, name: `${ledgers.length} ledgers` }, error);
    return items.filter(({ kind }) => kind !== 'ledger');
  }
}

/** Several targets may share the directory: only names that this unit's runs give are looked at. */
async function logsToGo(
  { config, target: { unit } }: Pick<Place, 'target' | 'config'>,
  staying: ReadonlySet<string>,
): Promise<string[]> {
  const names = await readdir(config.logs).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', config.logs);
  });
  const own = names
    .filter((name) => timeInLogName(name, unit) !== null)
    .toSorted()
    .toReversed();
  const needed = new Set([...staying].map((run) => run.slice(0, 'YYYYMMDD-HHMMSS'.length)));
  const old = own.slice(logsKept).filter((name) => !needed.has(timeInLogName(name, unit) ?? ''));
  return old.map((name) => join(config.logs, name));
}

async function oldBackups({ config, target, paths }: Pick<Place, 'target' | 'config' | 'paths'>): Promise<Backup[]> {
  const { name, database } = target;
  if (!database) return [];
  const backups = await listBackups({ app: config.app, target: name, database });
  return backupsToGo(backups, database, { nowMs: Date.now(), needed: await unrestoredRuns(paths) });
}

/** What a backup or a restore left when it was killed. */
async function leftWork({
  config: { app },
  target: { name, database },
}: Pick<Place, 'target' | 'config'>): Promise<{ name: string; path: string }[]> {
  return database ? listWork({ app, target: name, database }) : [];
}

function itemOf(kind: PrunedKind, name: string, path: string): PrunedItem {
  return { kind, name, path, reason: null, size_bytes: null };
}
