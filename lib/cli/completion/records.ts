import { readdir } from 'node:fs/promises';
import { currentBuild } from '../../builds/current.ts';
import { inspectBuild } from '../../builds/inspect.ts';
import { listBuildIds } from '../../builds/list.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import { backupIdOf } from '../../database/names.ts';
import { pathsOf } from '../../deployer/place.ts';
import { listRuns, readRun } from '../../run/history.ts';
import { readQuarantine } from '../../run/quarantine.ts';
import type { Candidate } from './candidates.ts';
import type { Wanted } from './wanted.ts';

interface Subject {
  config: Config;
  target: TargetConfig;
  wanted: Wanted;
}

/** Of ten thousand nobody reads more, and each costs a look at the disk. */
const most = 100;

/** The builds, newest first; those that a deploy would refuse, or do nothing with, last. */
export async function buildNames({ config, target, wanted }: Subject): Promise<Candidate[]> {
  const { typed, row } = wanted;
  // The name may be given without what all names begin with.
  const start = /^\d/.test(typed) ? 'dist.' : '';
  const ids = (await listBuildIds(target.builds)).filter((id) => id.startsWith(start + typed));
  const current = await currentBuild(target.builds).catch(() => null);
  // State that cannot be read is as good as lost: the builds are there all the same.
  const quarantined = await readQuarantine(pathsOf(config, target)).catch(() => ({}));
  const newest = ids.slice(-most).toReversed();
  return Promise.all(
    newest.map(async (id): Promise<Candidate> => {
      const { broken, revision, branch } = await inspectBuild(target.builds, id);
      const state = id === current ? 'current' : Object.hasOwn(quarantined, id) ? 'quarantined' : broken && 'broken';
      const origin = [branch, revision?.slice(0, 12)].filter(Boolean).join(' ');
      return { value: id.slice(start.length), does: state || origin, isLast: row?.name !== 'verify' && Boolean(state) };
    }),
  );
}

/** The runs, newest first, each with what it was. */
export async function runNames({ config, target, wanted }: Subject): Promise<Candidate[]> {
  const paths = pathsOf(config, target);
  const ids = (await listRuns(paths)).filter((id) => id.startsWith(wanted.typed)).slice(0, most);
  return Promise.all(
    ids.map(async (value) => {
      const record = await readRun(paths, value).catch(() => null);
      const told = record ? [record.inputs.kind, record.inputs.to, record.document?.outcome] : [];
      return { value, does: told.filter(Boolean).join(' ') };
    }),
  );
}

/** The names of the target's backups, newest first. */
export async function backupNames({ config, target }: Subject): Promise<Candidate[]> {
  const { database, name } = target;
  if (!database) return [];
  const owner = { app: config.app, target: name, database };
  const names = await readdir(database.backups);
  const own = names.filter((file) => backupIdOf(owner, file) !== null);
  return own
    .toSorted()
    .toReversed()
    .slice(0, most)
    .map((value) => ({ value }));
}
