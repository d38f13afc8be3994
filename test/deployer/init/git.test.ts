import { chmod, chown, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCutoverError } from '../../../lib/base/errors.ts';
import { type Command, exec, type ExecResult } from '../../../lib/base/exec.ts';
import { openController } from '../../../lib/base/wait.ts';
import { parseConfig } from '../../../lib/config/parse.ts';
import { type GitOptions, initGit } from '../../../lib/deployer/init/git.ts';
import type { InitReport } from '../../../lib/deployer/init/report.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { requireRoot } from '../../root.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init/git');

interface Setting {
  around: string;
  repository: string;
  /** what cutover was called with and given, one call after the other */
  told: () => Promise<string>;
  init: (options?: Partial<GitOptions>) => Promise<InitReport>;
}

/** A folder, and in place of cutover a program that writes down how it is called. */
async function makeSetting(
  t: TestContext,
  branches: Record<string, string> = { production: 'main' },
): Promise<Setting> {
  const around = await makeDirectory(t);
  const [program, log] = [join(around, "cut'over"), join(around, 'told')];
  await writeFile(program, `#!/bin/sh\necho "$@" >>'${log}'\ncat >>'${log}'\n`, { mode: 0o755 });
  const targets = Object.fromEntries(
    Object.entries(branches).map(([name, branch]) => [name, { unit: name, builds: `/srv/${name}`, branch }]),
  );
  const config = parseConfig({ app: 'shop', targets }, null);
  const repository = join(around, 'shop of mine.git');
  const usual: GitOptions = {
    path: repository,
    targets: Object.values(config.targets),
    only: null,
    command: ['/bin/sh', program, '--config', '/etc/cutover.toml'],
    isDryRun: false,
    signal: openController().signal,
    onFile: () => {},
  };
  return {
    around,
    repository,
    told: () => readFile(log, 'utf8').catch(() => ''),
    init: (options) => initGit({ ...usual, ...options }),
  };
}

/** Runs git as somebody with a name, and fails the test unless it succeeds. */
async function git(...words: string[]): Promise<string> {
  const command: Command = ['git', '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...words];
  const { code, stdout, stderr }: ExecResult = await exec(command, { timeoutMs: 20_000 });
  assert.is(code, 0, stderr);
  return stdout;
}

async function cloneWithCommit({ around }: Setting, branch = 'main'): Promise<string> {
  const clone = join(around, 'clone');
  await git('init', '--quiet', `--initial-branch=${branch}`, clone);
  await git('-C', clone, 'commit', '--quiet', '--allow-empty', '--message=first');
  return clone;
}

async function refusalOf(work: Promise<unknown>): Promise<{ code: string; message: string; mend: string }> {
  const error: unknown = await work.then(
    () => new Error('not refused'),
    (thrown: unknown) => thrown,
  );
  if (!isCutoverError(error)) throw error;
  return { code: error.code, message: error.message, mend: error.mend ?? '' };
}

test('P8: a new bare repository, told file by file, whose hook is run by a push', async (t) => {
  const setting = await makeSetting(t);
  const { repository, init, told } = setting;
  const seen: string[] = [];
  const report = await init({ onFile: ({ path, status }) => seen.push(`${status} ${path}`) });
  const hook = join(repository, 'hooks/post-receive');
  assert.equal(seen, [`written ${repository}`, `written ${hook}`]);
  assert.equal(report.files.at(-1), { path: hook, status: 'written', mode: '0755' });
  assert.match(report.notes[0] ?? '', 'a push to main deploys production');
  assert.match(report.next[0] ?? '', /^git remote add production '.*shop of mine\.git'/);
  assert.is(report.next[1], 'git push production main');
  assert.is(await git('--git-dir', repository, 'symbolic-ref', 'HEAD'), 'refs/heads/main');
  const clone = await cloneWithCommit(setting);
  await git('-C', clone, 'push', '--quiet', repository, 'main');
  const commit = await git('-C', clone, 'rev-parse', 'HEAD');
  assert.is(
    await told(),
    `hook post-receive --config /etc/cutover.toml\n${'0'.repeat(40)} ${commit} refs/heads/main\n`,
  );
});

test('P8: to repeat it changes nothing; a hook of an earlier version is written anew', async (t) => {
  const { repository, init } = await makeSetting(t);
  await init();
  const hook = join(repository, 'hooks/post-receive');
  const before = await stat(hook);
  const again = await init();
  assert.equal(
    again.files.map(({ status }) => status),
    ['unchanged'],
  );
  assert.is((await stat(hook)).mtimeMs, before.mtimeMs);
  assert.equal((await init({ only: 'production' })).files.at(0)?.status, 'written');
  assert.match(await readFile(hook, 'utf8'), 'hook post-receive production --config');
  await chmod(hook, 0o644);
  await init({ only: 'production' });
  assert.is((await stat(hook)).mode & 0o777, 0o755, 'git leaves out what cannot be executed');
});

test('P8: a dry run tells the same and writes nothing', async (t) => {
  const { repository, init } = await makeSetting(t);
  const report = await init({ isDryRun: true });
  assert.equal(
    report.files.map(({ status }) => status),
    ['would write', 'would write'],
  );
  assert.match(report.files.at(-1)?.content ?? '', /^#!\/bin\/sh\n/);
  assert.is(await stat(repository).catch(() => null), null);
});

test('P8: a hook of somebody else stays; under its new name it is run first, with the same input', async (t) => {
  const setting = await makeSetting(t);
  const { around, repository, init, told } = setting;
  await git('init', '--quiet', '--bare', repository);
  const hook = join(repository, 'hooks/post-receive');
  const own = `#!/bin/sh\nsed 's/^/own: /' >>'${join(around, 'told')}'\n`;
  await writeFile(hook, own, { mode: 0o755 });
  const { code, message, mend } = await refusalOf(init());
  assert.is(code, 'refused');
  assert.match(message, 'cutover did not write it; nothing was written');
  assert.is(await readFile(hook, 'utf8'), own);
  const [move = ''] = mend.split('     ');
  assert.is((await exec(['sh', '-c', move], { timeoutMs: 30_000 })).code, 0, move);
  await init();
  const clone = await cloneWithCommit(setting);
  await git('-C', clone, 'push', '--quiet', repository, 'main');
  assert.match(
    await told(),
    /^own: 0+ [0-9a-f]{40} refs\/heads\/main\nhook post-receive .*\n0+ [0-9a-f]{40} refs\/heads\/main\n$/,
  );
});

test('P8: a repository with a work tree takes a push to the branch that is checked out; what is set stays', async (t) => {
  const setting = await makeSetting(t);
  const clone = await cloneWithCommit(setting);
  const key = ['-C', clone, 'config', '--get', 'receive.denyCurrentBranch'] as const;
  const mode = (await stat(join(clone, '.git/config'))).mode;
  const report = await setting.init({ path: clone });
  assert.equal(
    report.files.map(({ path, status }) => `${status} ${path}`),
    [`written ${clone}/.git/hooks/post-receive`, `written ${clone}/.git/config`],
  );
  assert.is(await git(...key), 'updateInstead');
  assert.is((await stat(join(clone, '.git/config'))).mode, mode);
  await git('-C', clone, 'config', 'receive.denyCurrentBranch', 'warn');
  assert.is((await setting.init({ path: clone })).files.length, 1);
  assert.is(await git(...key), 'warn');
  const tree = join(setting.around, 'tree');
  await git('-C', clone, 'worktree', 'add', '--quiet', tree, '-b', 'other');
  assert.is(
    (await setting.init({ path: tree })).files[0]?.status,
    'unchanged',
    'its hooks are those of the repository',
  );
});

test('P8: what root writes into the repository of another user is his, and modes stay', async (t) => {
  requireRoot();
  const { repository, init } = await makeSetting(t);
  await git('init', '--quiet', '--bare', '--shared=group', repository);
  await rename(join(repository, 'hooks'), join(repository, 'gone'));
  await exec(['chown', '--recursive', '65534:65534', repository], { timeoutMs: 30_000 });
  const before = await stat(repository);
  await init();
  const after = await stat(repository);
  assert.equal([after.mode, after.uid, after.gid], [before.mode, 65534, 65534]);
  for (const name of ['hooks', 'hooks/post-receive']) {
    const { uid, gid } = await stat(join(repository, name));
    assert.equal([uid, gid], [65534, 65534], name);
  }
});

test('P8: hooks that other repositories may share are left alone', async (t) => {
  const { around, repository, init } = await makeSetting(t);
  await git('init', '--quiet', '--bare', repository);
  await git('--git-dir', repository, 'config', 'core.hooksPath', join(around, 'hooks'));
  const { code, mend } = await refusalOf(init());
  assert.is(code, 'refused');
  assert.is(await stat(join(around, 'hooks')).catch(() => null), null);
  assert.is((await exec(['sh', '-c', mend], { timeoutMs: 30_000 })).code, 0, mend);
  assert.is((await init()).files[0]?.path, join(repository, 'hooks/post-receive'));
});

test('P8: what is no repository, and what cannot be deployed to, is refused before anything is written', async (t) => {
  const { around, init } = await makeSetting(t);
  const folder = join(around, 'folder');
  await mkdir(folder);
  await writeFile(join(folder, 'a'), '');
  assert.match((await refusalOf(init({ path: folder }))).message, 'is no git repository, and not empty');
  assert.match((await refusalOf(init({ path: join(folder, 'a') }))).message, 'is no git repository');
  const unbound = await makeSetting(t, { production: '' });
  assert.is((await refusalOf(unbound.init())).code, 'config');
  assert.is(await stat(unbound.repository).catch(() => null), null);
});

test('P2, P8: several targets: what a push deploys, and in which order', async (t) => {
  const both = await makeSetting(t, { staging: 'main', production: 'main', preview: 'next', nightly: '' });
  const { notes, target, next } = await both.init();
  assert.equal(notes.slice(0, 2), [
    'a push to main deploys staging and production, in this order and no further than to the first that does not take it',
    'a push to next deploys preview',
  ]);
  assert.equal([target, next[1]], [null, 'git push staging main']);
});

test('P8: an owner of the repository who is not known by name', async (t) => {
  requireRoot();
  const { repository, init } = await makeSetting(t);
  await init();
  await chown(repository, 54321, 54321);
  assert.match((await init()).next[0] ?? '', 'USER@');
});
