import { join } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import {
  makePrivateDirectory,
  readNowIfThere,
  removeIfThere,
  type StagedFile,
  stageDurably,
  writeDurably,
} from '../../../base/files.ts';
import type { StrategyName } from '../../../config/model.ts';
import type { StatePaths } from '../../../run/state.ts';
import { clearTemporary } from './our-files.ts';
import type { OurFile } from './our-units.ts';

/** A change of strategy that is under way: enough for whoever comes after a killed process to bring it to an end. */
export interface ChangeRecord {
  unit: string;
  from: StrategyName;
  to: StrategyName;
  since: string;
  /** the manager's folder in which the files of ours lie */
  directory: string;
  files: OurFile[];
  config: OurFile;
  /** the unit serves by the new strategy: all that is left is the configuration */
  isProven: boolean;
}

/** Writes the record. @throws `permission`, `disk` */
export async function writeRecord(paths: StatePaths, record: ChangeRecord): Promise<void> {
  await makePrivateDirectory(paths.directory);
  await writeDurably(pathOf(paths), textOf(record));
}

/** The same in two steps, the second of which needs no room. @throws `permission`, `disk` */
export async function stageRecord(paths: StatePaths, record: ChangeRecord): Promise<StagedFile> {
  return stageDurably(pathOf(paths), textOf(record));
}

/** The record of a change that was cut off, or null. @throws `refused` when it cannot be read */
export async function readRecord(paths: StatePaths): Promise<ChangeRecord | null> {
  const path = pathOf(paths);
  const text = readNowIfThere(path);
  if (text === null) return null;
  try {
    return JSON.parse(text) as ChangeRecord;
  } catch (error) {
    throw new CutoverError('refused', `${path} cannot be read: a change of strategy was cut off`, {
      mend: `see whether the service serves, then: rm ${path}`,
      cause: error,
    });
  }
}

/** The change has ended, one way or the other. */
export async function clearRecord(paths: StatePaths): Promise<void> {
  await removeIfThere(pathOf(paths));
  await clearTemporary([pathOf(paths)]);
}

function textOf(record: ChangeRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function pathOf({ directory }: StatePaths): string {
  return join(directory, 'strategy-change.json');
}
