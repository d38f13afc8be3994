import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CutoverError, errnoOf, messageOf } from './errors.ts';
import { exec } from './exec.ts';

/** A tree may have a million files; what is not done then is done by the next who comes. */
const timeoutMs = 10 * 60_000;
/** One process for so many trees; more would not fit a command line everywhere. */
const atOnce = 250;
const refusals = /Permission denied|Operation not permitted|Read-only file system/;

/**
 * Removes files and whole trees, gone ones included. By rm(1), since it holds on to each directory while it is in it:
 * a directory that is replaced by a link meanwhile leads nowhere else, and other file systems are left alone.
 * @param directory in which the paths begin; none: they are absolute
 * @returns why something is still there, by its path: `permission`, or `failed` for anything else
 * @throws the signal's reason when aborted: some are gone then
 */
export async function removeTrees(
  paths: readonly string[],
  signal: AbortSignal,
  directory?: string,
): Promise<Map<string, CutoverError>> {
  const problems = new Map<string, CutoverError>();
  for (let at = 0; at < paths.length; at += atOnce) {
    const some = paths.slice(at, at + atOnce);
    const said = await remove(some, { cwd: directory, signal });
    for (const path of said === null ? [] : some) {
      if (await isThere(join(directory ?? '', path))) problems.set(path, problemWith(path, said ?? ''));
    }
  }
  return problems;
}

/** @returns null when all are gone, and otherwise what was said */
async function remove(
  paths: string[],
  where: { cwd: string | undefined; signal: AbortSignal },
): Promise<string | null> {
  // Alone it would go on where nobody waits for it, and keep the scope of the process that died.
  const dieTogether = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;
  const command = [...dieTogether, 'rm', '-rf', '--one-file-system', '--', ...paths] as const;
  const { code, stderr, timedOut } = await exec(command, { timeoutMs, ...where, env: { LC_ALL: 'C' } });
  if (timedOut) return `not done within ${timeoutMs / 60_000} min`;
  return code === 0 ? null : stderr;
}

function problemWith(path: string, said: string): CutoverError {
  const lines = said.split('\n');
  const line = lines.find((text) => text.includes(`/${basename(path)}`)) ?? lines[0];
  const code = refusals.test(line ?? '') ? 'permission' : 'failed';
  return new CutoverError(code, line?.replace(/^rm: /, '') || `cannot remove ${path}`);
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => !['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? messageOf(error)),
  );
}
