import { isThere } from '../base/files.ts';
import { backupPath } from '../database/names.ts';
import type { RunDocument } from '../run/document.ts';
import { runsNewestFirst } from '../run/history.ts';
import type { RunRecord } from '../run/ledger.ts';
import type { Place } from './place.ts';

/**
 * A rollback changes nothing of the data: says so where the builds that were left had migrated it, with the backup that
 * holds it as the build that serves now knew it.
 */
export async function tellMigrated(
  { paths, config, target, emit }: Pick<Place, 'paths' | 'config' | 'target' | 'emit'>,
  document: RunDocument,
): Promise<void> {
  if (document.outcome !== 'deployed') return;
  const run = await firstMigration(paths, document);
  if (run === null) return;
  const message = `run ${run} migrated the database, and a rollback leaves the data alone`;
  const { name, database } = target;
  const file = database ? backupPath({ app: config.app, target: name, database }, run) : null;
  const isKept = file !== null && (await isThere(file));
  const way = isKept ? `; as it was before: ${file} -> cutover restore ${name} ${file}` : '';
  emit({ type: 'note', message: `${message}${way}` });
}

/** The oldest run that migrated since the build served last; null: none, or the data was replaced since. */
async function firstMigration(paths: Place['paths'], { run: self, from, to }: RunDocument): Promise<string | null> {
  const migrated: RunRecord[] = [];
  let isSeen = false;
  for await (const record of runsNewestFirst(paths)) {
    const { inputs, document, applied } = record;
    if (inputs.run === self || document?.outcome !== 'deployed') continue;
    isSeen = inputs.to === to || inputs.kind === 'restore';
    if (isSeen) break;
    if (applied.has('migrate')) migrated.push(record);
  }
  // Without a record of that build, only what brought the one that was left is known to have come after it.
  const known = isSeen ? migrated : migrated.filter(({ inputs }) => inputs.to === from).slice(0, 1);
  return known.at(-1)?.inputs.run ?? null;
}
