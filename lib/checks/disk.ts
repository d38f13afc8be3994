import { constants, type StatsFs } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { shellWord } from '../base/shell-words.ts';
import type { Amount } from '../config/model.ts';
import { formatSize } from '../config/quantities.ts';
import { type Answer, fail, pass } from './check.ts';

/** The file system that a path is on, or would be on. */
interface Place {
  wanted: string;
  /** the path itself, or the nearest above it that is there */
  path: string;
  space: StatsFs;
}

/** From this share of the limit on it is time to make room. */
const nearly = 0.95;

/** What a run and its records need many times over; below, and from this share on, it may end in the middle. */
const leastFreeNames = 50;
const mostNamesPercent = 98;

/** S1: each file system of the paths can be written, and is used no further than the limit. */
export async function askDisk(paths: readonly string[], limit: Amount): Promise<Answer> {
  const expected = 'percent' in limit ? `under ${limit.percent} % used` : `under ${formatSize(limit.bytes)} used`;
  const places = await placesOf(paths);
  const unfit = (await Promise.all(places.map(askWritable))).find((answer) => answer !== null);
  if (unfit) return unfit;
  const { worst, share } = fullest(places, limit);
  const percent = usedPercent(worst.space);
  const observed = `${percent.toFixed(0)} % used at ${worst.wanted}`;
  if (share < 1 && percent < 100) return pass(observed, expected);
  return fail(
    observed,
    expected,
    `cutover prune, or see what takes the room: du -xsh ${shellWord(worst.wanted)}/* | sort -h | tail`,
  );
}

/** Free room is no use where nothing can be written, or no file can be made; null: nothing speaks against it. */
async function askWritable({ path, space }: Place): Promise<Answer | null> {
  const errno = await access(path, constants.W_OK).then(() => null, errnoOf);
  if (errno === 'EROFS') {
    return fail(`${path} is on a read-only file system`, 'one that can be written', `findmnt -T ${shellWord(path)}`);
  }
  const { files, ffree } = space;
  // Some file systems make them as they are needed, and count none.
  if (files === 0) return null;
  const percent = (100 * (files - ffree)) / files;
  if (ffree >= leastFreeNames && percent < mostNamesPercent) return null;
  const observed = `${ffree} inodes are free at ${path} (${percent.toFixed(0)} % used)`;
  const expected = `over ${leastFreeNames}, and under ${mostNamesPercent} % used`;
  return fail(
    observed,
    expected,
    `df -i ${shellWord(path)}; cutover prune; du --inodes -x ${shellWord(path)} | sort -n | tail`,
  );
}

/** W3: whether one of the file systems is used nearly as far as the limit. */
export async function isNearlyFull(paths: readonly string[], limit: Amount): Promise<boolean> {
  return fullest(await placesOf(paths), limit).share >= nearly;
}

/** The fullest file system, and how much of the limit it has used up; 1: all of it. */
function fullest(places: readonly Place[], limit: Amount): { worst: Place; share: number } {
  const shareOf = ({ space }: Place): number =>
    'percent' in limit ? usedPercent(space) / limit.percent : usedBytes(space) / limit.bytes;
  const worst = places.reduce((a, b) => (shareOf(b) > shareOf(a) ? b : a));
  return { worst, share: shareOf(worst) };
}

/** As df(1) counts: blocks that only root may use are neither used nor free. */
export function usedPercent({ blocks, bfree, bavail }: Pick<StatsFs, 'blocks' | 'bfree' | 'bavail'>): number {
  const used = blocks - bfree;
  return used + bavail === 0 ? 0 : (100 * used) / (used + bavail);
}

function usedBytes({ blocks, bfree, bsize }: StatsFs): number {
  return (blocks - bfree) * bsize;
}

function placesOf(paths: readonly string[]): Promise<Place[]> {
  return Promise.all(paths.map(async (wanted) => ({ wanted, ...(await statfsAbove(wanted)) })));
}

/** The file system that a path would be on, and where it is there; the state directory may not exist before the first run. */
async function statfsAbove(path: string): Promise<{ path: string; space: StatsFs }> {
  return statfs(path).then(
    (space) => ({ path, space }),
    (error: unknown) => {
      if (errnoOf(error) !== 'ENOENT' || path === dirname(path)) throw error;
      return statfsAbove(dirname(path));
    },
  );
}
