import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Contents, lookThrough, suggested } from '../../../lib/deployer/init/adopt/data.ts';
import { leftBehindNotes } from '../../../lib/deployer/init/adopt/left-behind.ts';
import type { Adoption } from '../../../lib/deployer/init/adopt/record.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init adopt data');
/** No file is newer. */
const never = Number.POSITIVE_INFINITY;

async function folderWith(t: TestContext, files: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-data-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const source = join(folder, 'app');
  await write(source, files);
  return source;
}

async function write(source: string, files: readonly string[], text = 'text'): Promise<void> {
  for (const file of files) {
    await mkdir(dirname(join(source, file)), { recursive: true });
    await writeFile(join(source, file), text);
  }
}

function look(t: TestContext, source: string, shared: string[] = [], sinceMs = never): Promise<Contents> {
  return lookThrough(source, { shared, sinceMs, pids: [], signal: t.signal });
}

test('a lock file of a package manager is code; a database is data', async (t) => {
  const locks = ['yarn.lock', 'Gemfile.lock', 'poetry.lock', 'composer.lock', 'sub/Cargo.lock', 'app.pid', 'app.mjs'];
  const source = await folderWith(t, [...locks, 'app.sqlite3', 'x/dump.rdb']);
  assert.equal((await look(t, source)).data.toSorted(), ['app.sqlite3', 'x/dump.rdb']);
  assert.is(
    (await look(t, source, [], Date.now() - 60_000)).data.length,
    locks.length + 2,
    'what was written since the start',
  );
});

test('a folder is suggested where all in it is data, and otherwise each file', async (t) => {
  const rows: [files: string[], shared: string[], named: string[]][] = [
    [['app/main.py', 'app/db.sqlite3'], [], ['app/db.sqlite3']],
    [['main.py', 'data/a.db', 'data/deep/b.db', 'top.db'], [], ['data', 'top.db']],
    [['data/a.db', 'data/deep/code.py'], [], ['data/a.db']],
    [['data/a.db', 'data/old/b.db'], ['data/old'], ['data/a.db']],
    [['lib/cache/x.db', 'lib/run.py'], [], ['lib/cache']],
  ];
  for (const [files, shared, named] of rows) {
    const source = await folderWith(t, files);
    const found = await look(
      t,
      source,
      shared.map((name) => join(source, name)),
    );
    assert.equal(suggested(found), named, files.join(' '));
  }
  const linked = await folderWith(t, ['data/a.db']);
  await symlink('/etc/hostname', join(linked, 'data/link'));
  assert.equal(suggested(await look(t, linked)), ['data/a.db']);
});

test('what was written while the directory was copied is told, file by file', async (t) => {
  const source = await folderWith(t, ['same.txt', 'changed.txt', 'data/x.db']);
  const [builds, build] = [`${source}-builds`, 'dist.20260203-151116'];
  const shared = [join(source, 'data')];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reads of one
  const adoption = { source, builds, build, shared, lookedMs: 0 } as unknown as Adoption;
  await mkdir(builds);
  execFileSync('cp', ['--archive', source, join(builds, build)]);
  assert.equal(await leftBehindNotes(adoption), []);
  await write(source, ['changed.txt', 'late/new.txt', 'data/y.db'], 'another text');
  assert.equal(
    (await leftBehindNotes(adoption)).map((note) => note.slice(0, note.indexOf(' was written'))),
    [`${source}/changed.txt`, `${source}/late/new.txt`],
  );
  // A build that changes its own copy afterwards lacks nothing of the directory.
  assert.equal(await leftBehindNotes({ ...adoption, lookedMs: Date.now() + 60_000 }), []);
});
