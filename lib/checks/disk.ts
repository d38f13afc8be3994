import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { shellWord } from '../base/shell-words.ts';
import type { Amount } from '../config/model.ts';
import { formatSize } from '../config/quantities.ts';
import { type Answer, fail, pass } from './check.ts';

interface DiskSpace {
  usedBytes: number;
  usedPercent: number;
}

/** From this share of the limit on it is time to make room. */
const nearly = 0.95;

/** S1: each file system of the paths is used no further than the limit. */
export async function askDisk(paths: readonly string[], limit: Amount): Promise<Answer> {
  const expected = 'percent' in limit ? `under ${limit.percent} % used` : `under ${formatSize(limit.bytes)} used`;
  const { worst, share } = await fullest(paths, limit);
  const observed = `${worst.usedPercent.toFixed(0)} % used at ${worst.path}`;
  if (share < 1) return pass(observed, expected);
  return fail(
    observed,
    expected,
    `cutover prune, or see what takes the room: du -xsh ${shellWord(worst.path)}/* | sort -h | tail`,
  );
}

/** W3: whether one of the file systems is used nearly as far as the limit. */
export async function isNearlyFull(paths: readonly string[], limit: Amount): Promise<boolean> {
  return (await fullest(paths, limit)).share >= nearly;
}

/** The fullest file system, and how much of the limit it has used up; 1: all of it. */
async function fullest(
  paths: readonly string[],
  limit: Amount,
): Promise<{ worst: DiskSpace & { path: string }; share: number }> {
  const shareOf = ({ usedPercent, usedBytes }: DiskSpace): number =>
    'percent' in limit ? usedPercent / limit.percent : usedBytes / limit.bytes;
  const spaces = await Promise.all(paths.map(async (path) => ({ path, ...(await spaceAt(path)) })));
  const worst = spaces.reduce((a, b) => (shareOf(b) > shareOf(a) ? b : a));
  return { worst, share: shareOf(worst) };
}

/** As df(1) counts: blocks that only root may use are neither used nor free. */
export function usedPercent({ blocks, bfree, bavail }: Pick<StatsFs, 'blocks' | 'bfree' | 'bavail'>): number {
  const used = blocks - bfree;
  return used + bavail === 0 ? 0 : (100 * used) / (used + bavail);
}

async function spaceAt(path: string): Promise<DiskSpace> {
  const space = await statfsAbove(path);
  return { usedBytes: (space.blocks - space.bfree) * space.bsize, usedPercent: usedPercent(space) };
}

/** The file system that a path would be on; the state directory may not exist before the first run. */
async function statfsAbove(path: string): Promise<StatsFs> {
  return statfs(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT' || path === dirname(path)) throw error;
    return statfsAbove(dirname(path));
  });
}
