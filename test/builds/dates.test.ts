import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isAhead, laterThan } from '../../lib/builds/dates.ts';
import { sleep } from '../../lib/base/wait.ts';
import { suite } from '../suite.ts';
import { makeBuilds } from './directory.ts';

const test = suite('builds/dates');
const [past, old, future] = ['dist.20200101-000000', 'dist.20200101-000001', 'dist.20990101-000000'];

test('a name that says a time to come is told, and a clock that is a minute off is none', () => {
  const nowMs = Date.parse('2026-02-03T15:00:00Z');
  assert.equal(
    ['dist.20260203-145959', 'dist.20260203-150459', 'dist.20260203-150501', future].map((id) => isAhead(id, nowMs)),
    [false, false, true, true],
  );
});

test('W3: what was put there after a build from the future is told from what was there before', async (t) => {
  const builds = await makeBuilds(t, [past]);
  // Directories of one tick of the clock cannot be told apart.
  await sleep(50);
  await mkdir(join(builds, future));
  await sleep(50);
  await mkdir(join(builds, old));
  const isLater = laterThan(builds, future);
  assert.equal(await Promise.all([past, old, 'dist.20200101-000002'].map(isLater)), [false, true, false]);
  const byName = laterThan(builds, past);
  assert.equal(await Promise.all([old, future].map(byName)), [false, false]);
});
