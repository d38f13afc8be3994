import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../../../base/errors.ts';
import { type Command, exec } from '../../../base/exec.ts';
import { isThere } from '../../../base/files.ts';
import { shellLine } from '../../../base/shell-words.ts';
import { ownerOf } from '../../../builds/intake/owner.ts';

/** A repository on the disk; named outright to git, which else refuses another user's (git-config(1), safe.directory). */
export interface Repository {
  /** its git directory, absolute */
  directory: string;
  isBare: boolean;
  hooks: string;
  /** the file of its own configuration */
  config: string;
  /** the branch that its HEAD names; null: none */
  head: string | null;
  /** whose it is */
  owner: { uid: number; gid: number };
}

const timeoutMs = 30_000;

/**
 * The repository at a path: bare, or the one of a work tree.
 * @returns null: nothing is there, or an empty directory
 * @throws `refused` where something else is there; `permission`
 */
export async function repositoryAt(path: string): Promise<Repository | null> {
  const directory = await gitDirectoryAt(path);
  if (directory === null) {
    if (await isVacant(path)) return null;
    throw new CutoverError('refused', `${path} is no git repository, and not empty; nothing was written`, {
      mend: `ls -la ${path}`,
    });
  }
  const pathOf = (name: string): Promise<string | null> =>
    ask(directory, 'rev-parse', '--path-format=absolute', '--git-path', name);
  const [isBare, hooks, config, head, { uid, gid }] = await Promise.all([
    ask(directory, 'rev-parse', '--is-bare-repository'),
    pathOf('hooks'),
    pathOf('config'),
    ask(directory, 'symbolic-ref', '--quiet', '--short', 'HEAD'),
    stat(directory),
  ]);
  if (isBare === null || hooks === null || config === null) {
    throw new CutoverError('refused', `git cannot read the repository ${directory}; nothing was written`, {
      mend: `git --git-dir ${directory} rev-parse`,
    });
  }
  requireOwnHooks(directory, { hooks, config });
  return { directory, isBare: isBare === 'true', hooks, config, head, owner: { uid, gid } };
}

/** A directory of hooks that others share would have their pushes deployed, too. */
function requireOwnHooks(directory: string, { hooks, config }: { hooks: string; config: string }): void {
  const common = dirname(config);
  if (hooks.startsWith(`${common}/`)) return;
  const key = 'core.hooksPath';
  throw new CutoverError('refused', `${key} says that the hooks are in ${hooks}, which other repositories may share`, {
    mend: shellLine(['git', '--git-dir', directory, 'config', key, join(common, 'hooks')]),
  });
}

/** Makes an empty bare repository, with its parents. @throws `refused` with what git says */
export async function makeBare(path: string, branch: string): Promise<void> {
  const made: Command = ['git', 'init', '--quiet', '--bare', `--initial-branch=${branch}`, '--', path];
  const { code, stderr } = await exec(made, { timeoutMs, env: ownEnvironment });
  if (code === 0) return;
  throw new CutoverError('refused', `git cannot make ${path}: ${stderr.split('\n')[0]}`, { mend: `ls -ld ${path}` });
}

/** A key of the repository's own configuration; null: it is not set. */
export function configValue({ directory }: Pick<Repository, 'directory'>, key: string): Promise<string | null> {
  return ask(directory, 'config', '--get', key);
}

/** In the owner's name: git follows a link in the place of the file, which root must not. @throws `refused` with what git says */
export async function setConfig(
  { directory, owner }: Pick<Repository, 'directory' | 'owner'>,
  key: string,
  value: string,
): Promise<void> {
  const set: Command = ['git', '--git-dir', directory, 'config', key, value];
  // The owner may not read root's own settings, and git gives up over them.
  const env = { ...ownEnvironment, HOME: '/', XDG_CONFIG_HOME: '' };
  const { code, stderr } = await ownerOf(owner).exec(set, { timeoutMs, env, cwd: '/' });
  if (code === 0) return;
  throw new CutoverError('refused', `git cannot set ${key}: ${stderr.split('\n')[0]}`, {
    mend: `git --git-dir ${directory} config ${key} ${value}`,
  });
}

const ownEnvironment = { LC_ALL: 'C' };

async function ask(directory: string, ...words: string[]): Promise<string | null> {
  const asked: Command = ['git', '--git-dir', directory, ...words];
  const { code, stdout } = await exec(asked, { timeoutMs, env: ownEnvironment, cwd: directory });
  return code === 0 ? stdout : null;
}

async function gitDirectoryAt(path: string): Promise<string | null> {
  for (const candidate of [join(path, '.git'), path]) {
    const isWhole = (await isThere(join(candidate, 'HEAD'))) && (await isThere(join(candidate, 'objects')));
    if (isWhole) return candidate;
  }
  return linkedFrom(join(path, '.git'));
}

/** A further work tree, or a submodule, has a file that says where its repository is (gitrepository-layout(5)). */
async function linkedFrom(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const named = /^gitdir: (.+)$/m.exec(text)?.[1];
  return named === undefined ? null : resolve(dirname(file), named);
}

async function isVacant(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    if (errnoOf(error) === 'ENOTDIR') return false;
    throw fileError(error, 'cannot read', path);
  }
}
