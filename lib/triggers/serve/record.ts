import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere, makePrivateDirectory, readIfThere, removeIfThere, writeDurably } from '../../base/files.ts';
import type { RunDocument } from '../../run/document.ts';
import type { StatePaths } from '../../run/state.ts';
import { isRequestId, type RequestError } from './request.ts';

/**
 * What whoever carries a request out writes of it, beside the target's own state. The receiver only reads it: it may be
 * a user who can do nothing but start runs.
 */
export interface RequestRecord {
  id: string;
  started_at: string;
  /** the run of cutover, once it has a name */
  run: string | null;
  /** the hook at work before the run's first step */
  stage: string | null;
  /** null: it has not ended, or its process did not live to say so */
  ended_at: string | null;
  exit_code: number | null;
  document: RunDocument | null;
  error: RequestError | null;
}

/** Older ones are removed: by then nobody asks whether a request was carried out already. */
const recordsKept = 200;

function directoryOf({ directory }: StatePaths): string {
  return join(directory, 'requests');
}

function pathOf(paths: StatePaths, id: string): string {
  return join(directoryOf(paths), `${id}.json`);
}

/** Beside a record as long as nobody is told what the run of the request came to. */
function untoldPath(paths: StatePaths, id: string): string {
  return join(directoryOf(paths), `${id}.untold`);
}

/** Before a run begins: what it comes to is yet to be told. @throws `disk`, `permission` */
export async function markUntold(paths: StatePaths, id: string): Promise<void> {
  await writeDurably(untoldPath(paths, id), '');
}

export function isUntold(paths: StatePaths, id: string): Promise<boolean> {
  return isThere(untoldPath(paths, id));
}

/** Before it is told. A disk that is full has no room for a record, and to remove a file it needs none. */
export function clearUntold(paths: StatePaths, id: string): Promise<void> {
  return removeIfThere(untoldPath(paths, id));
}

/** The record of a request; null: nobody began it. */
export async function readRecord(paths: StatePaths, id: string): Promise<RequestRecord | null> {
  const text = await readIfThere(pathOf(paths, id));
  if (text === null) return null;
  try {
    return JSON.parse(text) as RequestRecord;
  } catch {
    return null;
  }
}

/** Writes it so that it is there after a power cut. @throws `disk`, `permission` */
export async function writeRecord(paths: StatePaths, record: RequestRecord): Promise<void> {
  await makePrivateDirectory(directoryOf(paths));
  await writeDurably(pathOf(paths, record.id), `${JSON.stringify(record)}\n`);
}

/** Removes all but the newest records; the named one stays, wherever a clock that was set puts it. */
export async function pruneRecords(paths: StatePaths, kept: string): Promise<void> {
  const names = (await readdir(directoryOf(paths))).filter((name) => isRequestId(name.replace(/\.json$/, '')));
  if (names.length <= recordsKept) return;
  const others = names.filter((name) => name !== `${kept}.json`);
  const files = await Promise.all(
    others.map(async (name) => {
      const id = name.replace(/\.json$/, '');
      return { id, ms: (await stat(pathOf(paths, id))).mtimeMs };
    }),
  );
  const old = files.toSorted((a, b) => b.ms - a.ms).slice(recordsKept - 1);
  for (const { id } of old) {
    await removeIfThere(pathOf(paths, id));
    await clearUntold(paths, id);
  }
}
