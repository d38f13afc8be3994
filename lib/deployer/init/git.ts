import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { accountOfUser } from '../../base/accounts.ts';
import { CutoverError } from '../../base/errors.ts';
import type { Command } from '../../base/exec.ts';
import { shellLine, shellWord } from '../../base/shell-words.ts';
import type { TargetConfig } from '../../config/model.ts';
import type { InitReport } from './report.ts';
import { type FileResult, modeText, requireWritable } from './files.ts';
import { configValue, makeBare, type Repository, repositoryAt, setConfig } from './git/repository.ts';
import { writeHook } from './git/write-hook.ts';

export interface GitOptions {
  /** the repository, absolute */
  path: string;
  /** those that a push is to deploy to */
  targets: readonly TargetConfig[];
  /** the only target that the hook is for; null: each branch has its own */
  only: string | null;
  /** cutover with the options that name the configuration, in full */
  command: Command;
  isDryRun: boolean;
  signal: AbortSignal;
  /** called with each file once it is done */
  onFile: (file: FileResult) => void;
}

const denyKey = 'receive.denyCurrentBranch';
/** A push brings the files up to date, and is refused where somebody has changed them (git-config(1)). */
const denyValue = 'updateInstead';

/**
 * Makes a bare repository, or takes one that is there, and gives it the hook that deploys what is pushed. Safe to repeat.
 * @throws `refused` where a hook of somebody else, or something else than a repository is there; `permission`, `disk`, `usage`
 */
export async function initGit(options: GitOptions): Promise<InitReport> {
  const { path, targets, only, signal, isDryRun } = options;
  const bound = targets.filter(({ branch }) => branch !== '');
  const [first] = bound;
  if (!first) throw unbound(targets);
  const existing = await repositoryAt(path);
  if (!existing) await requireWritable(path);
  signal.throwIfAborted();
  const made = existing ? [] : [await makeRepository(first.branch, options)];
  const repository = existing ?? (isDryRun ? notYet(path) : await repositoryAt(path));
  if (!repository) throw new CutoverError('refused', `there is no repository at ${path}`, { mend: `ls -la ${path}` });
  const hook = await writeHook(repository, hookWords(options), options);
  const settings = await allowPush(repository, { ...options, bound });
  return {
    target: only ?? (bound.length === 1 ? first.name : null),
    files: [...made, ...hook, ...settings],
    units: [],
    notes: [
      ...boundNotes(bound),
      'what is to be typed next belongs where you work, in a clone',
      ...(existing ? [] : await ownerNotes(path)),
    ],
    next: await nextCommands(repository, { path, first }),
  };
}

async function makeRepository(branch: string, { path, isDryRun, onFile }: GitOptions): Promise<FileResult> {
  if (!isDryRun) await makeBare(path, branch);
  const mode = isDryRun ? 0o755 : (await stat(path)).mode & 0o7777;
  const file: FileResult = { path, status: isDryRun ? 'would write' : 'written', mode: modeText(mode) };
  onFile(isDryRun ? { ...file, content: 'an empty bare repository' } : file);
  return file;
}

function notYet(path: string): Repository {
  const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  return { directory: path, isBare: true, hooks: join(path, 'hooks'), config: join(path, 'config'), head: null, owner };
}

function hookWords({ command, only }: GitOptions): Command {
  const [node, script, ...named] = command;
  return [node, script ?? '', 'hook', 'post-receive', ...(only === null ? [] : [only]), ...named];
}

/** git refuses a push to the branch that is checked out, unless it is told what to do with the files. */
async function allowPush(
  repository: Repository,
  { bound, isDryRun, onFile }: GitOptions & { bound: readonly TargetConfig[] },
): Promise<FileResult[]> {
  const { isBare, head, config: path } = repository;
  if (isBare || !bound.some(({ branch }) => branch === head)) return [];
  if ((await configValue(repository, denyKey)) !== null) return [];
  const { mode } = await stat(path);
  if (!isDryRun) await setConfig(repository, denyKey, denyValue);
  const file: FileResult = { path, status: isDryRun ? 'would write' : 'written', mode: modeText(mode & 0o7777) };
  onFile(isDryRun ? { ...file, content: `${denyKey} = ${denyValue}` } : file);
  return [file];
}

function boundNotes(bound: readonly TargetConfig[]): string[] {
  const branches = [...new Set(bound.map(({ branch }) => branch))];
  return branches.map((branch) => {
    const names = bound.filter((target) => target.branch === branch).map(({ name }) => name);
    const order = names.length > 1 ? ', in this order and no further than to the first that does not take it' : '';
    return `a push to ${branch} deploys ${names.join(' and ')}${order}`;
  });
}

async function ownerNotes(path: string): Promise<string[]> {
  if (process.geteuid?.() !== 0) return [];
  return [`the repository is root's; give it to whoever pushes: chown -R USER: ${shellWord(path)}`];
}

async function nextCommands(
  { owner, isBare, directory }: Repository,
  { path, first }: { path: string; first: TargetConfig },
): Promise<string[]> {
  const account = await accountOfUser(owner.uid);
  const place = isBare ? directory : path;
  const remote = `${account?.name ?? 'USER'}@${hostname()}:${place}`;
  return [
    shellLine(['git', 'remote', 'add', first.name, remote]),
    shellLine(['git', 'push', first.name, first.branch]),
  ];
}

function unbound(targets: readonly TargetConfig[]): CutoverError {
  const names = targets.map(({ name }) => name).join(', ');
  return new CutoverError('config', `no push deploys ${names}: no branch is named`, {
    mend: 'set targets.NAME.branch, then repeat it',
  });
}
