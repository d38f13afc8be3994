import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { accountOfUser } from '../base/accounts.ts';
import { CutoverError, errnoOf } from '../base/errors.ts';
import { shellWord } from '../base/shell-words.ts';
import type { HookConfig, HookName, TargetConfig } from '../config/model.ts';
import { type Answer, fail, pass, warn } from './check.ts';

/** What keeps a hook from being started, and what to type. */
export interface CannotStart {
  problem: string;
  mend: string;
  /** a file that the configuration names by a path below the hook's directory is not there */
  isMissing?: boolean;
}

const expected = 'every hook can be started';

const stages: readonly HookName[] = ['fetch', 'test', 'build'];
/** After a push these run where its commit is checked out, unless they have a directory of their own. */
const inCheckout: readonly HookName[] = ['test', 'build'];
/** These decide about a deploy's outcome; the others change nothing of it. */
const inRun: readonly HookName[] = ['migrate', 'smoke'];
const afterwards: readonly HookName[] = ['repair', 'deployed', 'rolled_back', 'failed'];

/** The hooks that a deploy depends on. */
export const deployHooks: readonly HookName[] = [...stages, ...inRun];

/**
 * Asks whether the hooks can be started, before anything depends on it.
 * @param build where hooks without a `dir` run; null: there is none yet
 * @param isBeforeStages those that make a build are still to come
 */
export async function askHooks(
  target: TargetConfig,
  { build, isBeforeStages }: { build: string | null; isBeforeStages: boolean },
): Promise<Answer> {
  const dir = build === null ? target.builds : join(target.builds, build);
  const [before, within, after] = await Promise.all([
    problemsOf(target, isBeforeStages ? stages : [], target.builds),
    problemsOf(target, inRun, dir),
    problemsOf(target, afterwards, dir),
  ]);
  const [ofPushes, ofAll] = [before.filter(({ isOfPushes }) => isOfPushes), before.filter((one) => !one.isOfPushes)];
  const [harmful, harmless] = [
    [...ofAll, ...within],
    [...ofPushes, ...after],
  ];
  const [first] = [...harmful, ...harmless];
  if (!first) return pass('all of them can', expected);
  const observed = [...harmful, ...harmless].map(({ problem }) => problem).join('; ');
  return harmful.length === 0 ? warn(observed, expected, first.mend) : fail(observed, expected, first.mend);
}

/** A hook that another user is to run needs root. @throws `permission` */
export async function requireHookUsers(
  { name: target, hooks }: TargetConfig,
  names: readonly HookName[],
): Promise<void> {
  if (process.geteuid?.() === 0) return;
  for (const name of names) {
    for (const { user } of hooks[name] ?? []) {
      const wrong = user === null ? null : await wrongUser(user, `targets.${target}.hooks.${name}`);
      if (wrong?.isRefused) throw new CutoverError('permission', wrong.problem, { mend: wrong.mend });
    }
  }
}

/** `isOfPushes`: a push runs it in the checkout of its commit, where the file may well be. */
type Problem = CannotStart & { isOfPushes: boolean };

async function problemsOf(target: TargetConfig, names: readonly HookName[], dir: string): Promise<Problem[]> {
  const all = names.flatMap((name) => (target.hooks[name] ?? []).map((hook) => ({ name, hook })));
  const path = target.environment.PATH;
  const found = await Promise.all(
    all.map(async ({ name, hook }): Promise<Problem | null> => {
      const wrong = await cannotStart(hook, { key: `targets.${target.name}.hooks.${name}`, dir, path });
      const isOfPushes = target.branch !== '' && inCheckout.includes(name) && hook.dir === null;
      if (!wrong?.isMissing || !isOfPushes) return wrong && { ...wrong, isOfPushes: false };
      const pushed = `a push to ${target.branch} runs it where its commit is checked out`;
      const problem = `${wrong.problem}, where a deploy by hand would run it; ${pushed}`;
      const mend = `set targets.${target.name}.hooks.${name}.dir, where it is deployed by hand`;
      return { problem, mend, isOfPushes };
    }),
  );
  return found.filter((one) => one !== null);
}

/**
 * What keeps a hook, or what it falls back to, from being started; null: nothing that can be seen before. Of a line for the
 * shell only a first word that is a path can be judged.
 * @param key where it is configured
 */
export async function cannotStart(
  { run, fallback, user, dir: own }: HookConfig,
  { key, dir: usual, path }: { key: string; dir: string; path?: string | undefined },
): Promise<CannotStart | null> {
  const dir = own ?? usual;
  const missingUser = user === null ? null : await wrongUser(user, key);
  if (missingUser) return missingUser;
  if (!(await isDirectory(dir)))
    return { problem: `${key}: there is no directory ${dir}`, mend: `mkdir -p ${shellWord(dir)}` };
  for (const one of fallback === null ? [run] : [run, fallback]) {
    const file = fileOf(one);
    const wrong = file === null ? null : await wrongFile(file, { dir, path: path ?? process.env.PATH ?? '' });
    if (wrong)
      return { ...wrong, isMissing: wrong.isMissing && !isAbsolute(file ?? ''), problem: `${key}: ${wrong.problem}` };
  }
  return null;
}

async function wrongUser(user: string, key: string): Promise<(CannotStart & { isRefused?: true }) | null> {
  const account = await accountOfUser(user);
  if (!account) return { problem: `${key}: there is no user ${user}`, mend: `sudo useradd --system ${user}` };
  const self = process.geteuid?.();
  if (self === 0 || account.uid === self) return null;
  return { problem: `${key}: only root may run a hook as ${user}`, mend: 'repeat it with sudo', isRefused: true };
}

/** The file that is to be started; null: what the shell makes of the line is the shell's affair. */
function fileOf(run: HookConfig['run']): string | null {
  if ('command' in run) return run.command[0];
  return /^\s*(\.{0,2}\/[\w./@%+,:-]+)(?=\s|$)/.exec(run.shell)?.[1] ?? null;
}

async function wrongFile(
  file: string,
  { dir, path }: { dir: string; path: string },
): Promise<(CannotStart & { isMissing: boolean }) | null> {
  if (file.includes('/')) return wrongPath(resolve(dir, file));
  const places = path.split(':').map((folder) => join(resolve(dir, folder), file));
  const answers = await Promise.all(places.map(wrongPath));
  if (answers.includes(null)) return null;
  const there = answers.find((answer) => answer !== null && !answer.isMissing);
  return (
    there ?? {
      problem: `there is no ${file} in ${path}`,
      mend: `command -v ${file}, or name it with its whole path`,
      isMissing: false,
    }
  );
}

async function wrongPath(path: string): Promise<(CannotStart & { isMissing: boolean }) | null> {
  try {
    if ((await stat(path)).isDirectory()) {
      return { problem: `${path} is a directory`, mend: `ls -l ${shellWord(path)}`, isMissing: false };
    }
    await access(path, constants.X_OK);
    return null;
  } catch (error) {
    if (errnoOf(error) === 'EACCES')
      return { problem: `${path} is not executable`, mend: `chmod +x ${shellWord(path)}`, isMissing: false };
    return { problem: `there is no file ${path}`, mend: `ls -l ${shellWord(path)}`, isMissing: true };
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
