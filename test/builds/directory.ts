import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from '../suite.ts';

/** An empty directory that goes with the test. */
export async function makeDirectory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'cutover-builds-'));
  t.cleanup(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A builds directory with builds of one file each, which holds the build's id, and `current` where it is named. */
export async function makeBuilds(t: TestContext, ids: string[], current?: string): Promise<string> {
  const directory = await makeDirectory(t);
  for (const id of ids) {
    await mkdir(join(directory, id));
    await writeFile(join(directory, id, 'app'), id);
  }
  if (current !== undefined) await symlink(current, join(directory, 'current'));
  return directory;
}

/** What a promise was rejected with; fails the test when it was not. */
export async function rejection(asked: Promise<unknown>): Promise<Error & { code?: string; mend?: string }> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
