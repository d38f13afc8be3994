import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError, messageOf } from '../../lib/base/errors.ts';
import { commitSource } from '../../lib/deployer/commit.ts';
import { NotWanted } from '../../lib/deployer/source.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('deployer/commit');
const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-commit-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function git(repository: string, ...words: string[]): string {
  return execFileSync('git', ['--git-dir', repository, ...identity, ...words], { encoding: 'utf8' }).trim();
}

/** A bare repository whose branch main has one commit. */
async function repositoryFor(t: TestContext): Promise<{ repository: string; commit: string }> {
  const repository = await folderFor(t);
  execFileSync('git', ['init', '--quiet', '--bare', repository]);
  const tree = execFileSync('git', ['--git-dir', repository, 'mktree'], { input: '', encoding: 'utf8' }).trim();
  const commit = git(repository, 'commit-tree', tree, '-m', 'first');
  git(repository, 'update-ref', 'refs/heads/main', commit);
  return { repository, commit };
}

function answerTo(repository: string, commit: string, t: TestContext, branch = 'main'): Promise<unknown> {
  return commitSource(repository, { commit, branch })
    .verifyWanted(t.signal)
    .then(
      () => null,
      (error: unknown) => error,
    );
}

test('a commit is wanted while its branch names it', async (t) => {
  const { repository, commit } = await repositoryFor(t);
  assert.is(await answerTo(repository, commit, t), null);
  const gone = await answerTo(repository, commit, t, 'other');
  assert.ok(gone instanceof NotWanted);
  assert.match(messageOf(gone), 'other is gone');
  const moved = await answerTo(repository, '0'.repeat(40), t);
  assert.ok(moved instanceof NotWanted);
  assert.match(messageOf(moved), `main has moved on to ${commit.slice(0, 10)}`);
});

test('what git could not tell is no later push', async (t) => {
  const { repository, commit } = await repositoryFor(t);
  const elsewhere = await answerTo(join(repository, 'nowhere'), commit, t);
  await chmod(join(repository, 'config'), 0o600);
  await writeFile(join(repository, 'config'), '[core');
  const broken = await answerTo(repository, commit, t);
  for (const [error, words] of [
    [elsewhere, 'not a git repository'],
    [broken, 'bad config'],
  ] as const) {
    assert.ok(error instanceof CutoverError && !(error instanceof NotWanted), messageOf(error));
    assert.equal([error.code, error.exitCode], ['refused', 1]);
    assert.match(error.message, words);
    assert.match(error.mend ?? '', 'git --git-dir ');
  }
});
