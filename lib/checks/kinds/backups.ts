import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-words.ts';
import type { BackupsOptions } from '../../config/check-options.ts';
import { formatDuration } from '../../config/quantities.ts';
import { type Answer, fail, pass } from '../check.ts';
import { combined } from './combined.ts';
import type { Kind } from './kind.ts';

interface Backup {
  name: string;
  bytes: number;
  ageMs: number;
}

/** B4: the newest backup is fresh, and there are neither too few nor too many. */
export const backupsKind: Kind<BackupsOptions> = {
  async ask(options, { context: { target } }) {
    const { dir } = options;
    const backups = await listBackups(dir).catch((error: unknown) => {
      if (errnoOf(error) === undefined) throw error;
      return errnoOf(error) ?? '';
    });
    if (typeof backups === 'string') {
      const why = backups === 'ENOENT' ? `there is no ${dir}` : `${dir} cannot be read: ${backups}`;
      return fail(why, 'a directory of backups', `ls -ld ${shellWord(dir)}`);
    }
    const make = target.database?.backups === dir ? `cutover backup ${target.name}` : `ls -l ${shellWord(dir)}`;
    const count = askCount(backups.length, options, make);
    const [newest] = backups.toSorted((a, b) => a.ageMs - b.ageMs);
    if (newest === undefined) return count;
    return combined([
      ['count', count],
      ['newest', askNewest(newest, options, make)],
    ]);
  },
};

/** Neither what is hidden, as half-written files are, nor what only tells of a backup. */
async function listBackups(dir: string): Promise<Backup[]> {
  const names = (await readdir(dir)).filter((name) => !/^\.|\.(tmp|part|partial|sha\d+|md5|json)$/.test(name));
  const now = Date.now();
  const found = await Promise.all(
    names.map(async (name) => {
      const facts = await stat(join(dir, name)).catch(() => null);
      if (facts === null) return [];
      const bytes = facts.isDirectory() ? Number.NaN : facts.size;
      return [{ name, bytes, ageMs: Math.max(0, now - facts.mtimeMs) }];
    }),
  );
  return found.flat();
}

function askCount(count: number, { dir, min, max }: BackupsOptions, make: string): Answer {
  const expected = max === null ? `${min} or more` : `${min} to ${max}`;
  const observed = `${count} backup${count === 1 ? '' : 's'}`;
  if (count < min) return fail(observed, expected, make);
  if (max === null || count <= max) return pass(observed, expected);
  return fail(observed, expected, `ls -t ${shellWord(dir)} | tail -n +${max + 1}: the oldest ones, to be removed`);
}

function askNewest({ name, bytes, ageMs }: Backup, { maxAgeMs }: BackupsOptions, make: string): Answer {
  const expected = maxAgeMs === null ? 'one that is not empty' : `at most ${formatDuration(maxAgeMs)} old`;
  if (bytes === 0) return fail(`${name} is empty`, expected, make);
  const observed = `the newest is ${roughly(ageMs)} old`;
  return maxAgeMs === null || ageMs <= maxAgeMs ? pass(observed, expected) : fail(observed, expected, make);
}

/** An age in its two greatest units. */
function roughly(ms: number): string {
  return formatDuration(Math.floor(ms / 1000) * 1000)
    .split(' ')
    .slice(0, 2)
    .join(' ');
}
