import { join, resolve } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import { isThere } from '../base/files.ts';
import type { Terminal } from './command.ts';

/** These say how git works, and not where. */
const harmless = /^GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|TRACE.*)$/;

/**
 * The repository that git has called the hook in (githooks(5): it is the working directory, and `$GIT_DIR` names it), or that
 * a person stands in.
 * @returns its git directory, absolute
 * @throws `usage` when there is none
 */
export async function repositoryIn({ env, cwd }: Pick<Terminal, 'env' | 'cwd'>): Promise<string> {
  const named = resolve(cwd, env.GIT_DIR || '.');
  for (const path of [named, join(named, '.git')]) {
    if ((await isThere(join(path, 'HEAD'))) && (await isThere(join(path, 'objects')))) return path;
  }
  throw new CutoverError('usage', `${named} is no git repository`, { mend: 'cutover init --git DIR' });
}

/** What is run from here must not take this repository for its own: git tells every child by its environment. */
export function forgetRepository(env: NodeJS.ProcessEnv): void {
  for (const key of Object.keys(env)) if (key.startsWith('GIT_') && !harmless.test(key)) delete env[key];
}
