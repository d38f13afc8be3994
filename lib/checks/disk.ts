import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import type { Amount } from '../config/model.ts';
import { formatSize } from '../config/quantities.ts';
import { type Answer, fail, pass } from './check.ts';

interface DiskSpace {
  usedBytes: number;
  usedPercent: number;
}

/** S1: each file system of the paths is used no further than the limit. */
export async function askDisk(paths: readonly string[], limit: Amount): Promise<Answer> {
  const expected = 'percent' in limit ? `under ${limit.percent} % used` : `under ${formatSize(limit.bytes)} used`;
  const spaces = await Promise.all(paths.map(async (path) => ({ path, ...(await spaceAt(path)) })));
  const fullness = ({ usedPercent, usedBytes }: DiskSpace): number => ('percent' in limit ? usedPercent : usedBytes);
  const worst = spaces.reduce((a, b) => (fullness(b) > fullness(a) ? b : a));
  const observed = `${worst.usedPercent.toFixed(0)} % used at ${worst.path}`;
  const allowed = 'percent' in limit ? limit.percent : limit.bytes;
  if (fullness(worst) < allowed) return pass(observed, expected);
  return fail(
    observed,
    expected,
    `du -xsh ${worst.path}/* | sort -h | tail, or remove builds that cutover builds lists as old`,
  );
}

/** As df(1) counts: blocks that only root may use are neither used nor free. */
async function spaceAt(path: string): Promise<DiskSpace> {
  const { blocks, bfree, bavail, bsize } = await statfsAbove(path);
  const used = blocks - bfree;
  return { usedBytes: used * bsize, usedPercent: used + bavail === 0 ? 0 : (100 * used) / (used + bavail) };
}

/** The file system that a path would be on; the state directory may not exist before the first run. */
async function statfsAbove(path: string): Promise<StatsFs> {
  return statfs(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT' || path === dirname(path)) throw error;
    return statfsAbove(dirname(path));
  });
}
