import { chown, lstat, mkdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openController } from '../../lib/base/wait.ts';
import { linkShared, type Sharing, sharedLinks } from '../../lib/builds/sharing.ts';

import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';
import { makeDirectory, rejection } from './directory.ts';

const test = suite('builds/sharing');
const { signal } = openController();
const id = 'dist.20260203-151116';

/** A directory with data, and a build beside it that has none. */
async function makeShared(t: TestContext): Promise<{ around: string; build: string; sharing: Sharing }> {
  const around = await makeDirectory(t);
  const [source, build] = [join(around, 'app'), join(around, 'builds', id)];
  await mkdir(join(source, 'lib/cache'), { recursive: true });
  await mkdir(join(source, 'data'));
  await mkdir(build, { recursive: true });
  await writeFile(join(build, 'app.js'), 'its own');
  const shared = ['data', 'lib/cache', '.env'].map((name) => join(source, name));
  return { around, build, sharing: { source, shared, record: join(around, 'adopted.json') } };
}

test('a build gets every link that it lacks, once, and keeps them', async (t) => {
  const { build, sharing } = await makeShared(t);
  assert.equal(await linkShared(build, sharing, signal), []);
  // What is not there yet, such as a file that the service makes, is made where the link leads.
  await writeFile(join(build, '.env'), 'KEY=1');
  assert.is(await readFile(join(sharing.source, '.env'), 'utf8'), 'KEY=1');
  for (const [at, name] of ['data', 'lib/cache', '.env'].entries())
    assert.is(await readlink(join(build, name)), sharing.shared[at]);
  const before = await lstat(join(build, 'data'));
  assert.equal(await linkShared(build, sharing, signal), []);
  assert.equal(await lstat(join(build, 'data')), before);
  assert.ok((await sharedLinks(build, sharing)).every(({ isThere }) => isThere));
});

test('what a build has of its own is never replaced; the other links are made', async (t) => {
  const { build, sharing } = await makeShared(t);
  await mkdir(join(build, 'data'));
  await writeFile(join(build, 'data/own'), 'x');
  await symlink('elsewhere', join(build, 'lib'));
  const taken = await linkShared(build, sharing, signal);
  assert.equal(
    taken.map((link) => [link.name, link.taken]),
    [
      ['data', 'data'],
      ['lib/cache', 'lib'],
    ],
  );
  assert.is(await readFile(join(build, 'data/own'), 'utf8'), 'x');
  assert.is(await readlink(join(build, 'lib')), 'elsewhere');
  assert.is(await readlink(join(build, '.env')), sharing.shared[2]);
});

test('another way to the same place is a link, too', async (t) => {
  const { build, sharing } = await makeShared(t);
  await symlink('../../app/data', join(build, 'data'));
  await symlink(join(sharing.source, 'lib'), join(build, 'lib'));
  assert.equal(await linkShared(build, sharing, signal), []);
  assert.is(await readlink(join(build, 'data')), '../../app/data');
});

test('root makes links in the name of whom the build belongs to', async (t) => {
  requireRoot();
  const { around, build, sharing } = await makeShared(t);
  await chown(around, 1, 1);
  await chown(build, 1, 1);
  assert.equal(await linkShared(build, sharing, signal), []);
  for (const name of ['data', 'lib', 'lib/cache']) assert.is((await lstat(join(build, name))).uid, 1, name);
});

test('a link in the place of the build leads root nowhere', async (t) => {
  const { around, build, sharing } = await makeShared(t);
  const other = join(around, 'other');
  await rename(build, other);
  await symlink(other, build);
  const error = await rejection(linkShared(build, sharing, signal));
  assert.match(error.message, `${build} is not where it was`);
  assert.ok((await sharedLinks(other, sharing)).every(({ isThere }) => !isThere));
});
