import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openIncoming } from '../../../lib/builds/intake/incoming.ts';
import { incomingName } from '../../../lib/builds/layout.ts';
import { type Copying, copyIn, removeCopy } from '../../../lib/deployer/init/adopt/copy.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init adopt copy');
const build = 'dist.20260203-151116';
const halfName = `.${build}.copy`;

async function copyingFor(t: TestContext): Promise<Copying> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-copy-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const source = join(folder, 'app');
  await mkdir(join(source, 'data'), { recursive: true });
  await writeFile(join(source, 'app.mjs'), 'text');
  return { source, builds: join(folder, 'builds'), build, shared: [join(source, 'data')], signal: t.signal };
}

test('a copy leaves nothing but the build, and nothing at all once it is removed', async (t) => {
  const copying = await copyingFor(t);
  const { builds, source } = copying;
  await copyIn(copying);
  assert.equal((await readdir(builds)).toSorted(), ['current', build]);
  assert.is(await readlink(join(builds, 'current')), build);
  assert.is(await readFile(join(builds, build, 'app.mjs'), 'utf8'), 'text');
  assert.is(await readlink(join(builds, build, 'data')), join(source, 'data'));
  // As a process that died leaves it.
  await mkdir(join(builds, halfName, 'bin'), { recursive: true });
  await removeCopy(copying);
  assert.equal(await readdir(builds), []);
});

test('what another command is unpacking there stays, at the copy and at its removal', async (t) => {
  const copying = await copyingFor(t);
  const { builds } = copying;
  await mkdir(builds);
  const other = await openIncoming(builds, t.signal);
  t.cleanup(() => other.close());
  await writeFile(join(other.path, 'half'), 'half');
  await copyIn(copying);
  assert.equal(await readdir(other.path), ['half']);
  await removeCopy(copying);
  assert.equal(await readdir(other.path), ['half']);
  assert.equal(await readdir(builds), [incomingName]);
});

test('a place that cannot be used is told as it is', async (t) => {
  const copying = await copyingFor(t);
  await mkdir(copying.builds);
  await writeFile(join(copying.builds, halfName), 'a file');
  await copyIn(copying).then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), `${halfName} is there already`),
  );
});
