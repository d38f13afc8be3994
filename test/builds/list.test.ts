import { mkdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import * as assert from 'uvu/assert';
import { buildIdFor, compareBuildIds } from '../../lib/builds/layout.ts';
import { listBuildIds, listBuilds, newestBuild, resolveBuild } from '../../lib/builds/list.ts';
import { suite } from '../suite.ts';
import { makeBuilds, makeDirectory, rejection } from './directory.ts';

const test = suite('builds/list');
const older = 'dist.20260203-123600';
const newer = 'dist.20260203-151116';

test('S2: builds come oldest first, and only builds', async (t) => {
  const directory = await makeBuilds(t, [`${newer}-10`, newer, older, `${newer}-9`], older);
  await mkdir(join(directory, '.incoming'));
  await mkdir(join(directory, 'dist.backup'));
  await symlink(newer, join(directory, '.current.0123abcd.tmp'));
  assert.equal(await listBuildIds(directory), [older, newer, `${newer}-9`, `${newer}-10`]);
  const builds = await listBuilds(directory);
  assert.equal(builds[0], {
    id: older,
    path: join(directory, older),
    createdAt: new Date('2026-02-03T12:36:00Z'),
    revision: null,
    branch: null,
    broken: null,
  });
  assert.is(builds.length, 4);
});

test('S2: the newest build is never one of those to leave out', async (t) => {
  const directory = await makeBuilds(t, [older, newer]);
  assert.is(await newestBuild(directory), newer);
  assert.is(await newestBuild(directory, new Set([newer])), older);
  assert.is(await newestBuild(directory, new Set([newer, older])), null);
});

test('S2: a builds directory that is not there, or is a file, is named', async (t) => {
  const directory = await makeDirectory(t);
  const missing = await rejection(listBuildIds(join(directory, 'builds')));
  assert.is(missing.code, 'no_build');
  assert.match(missing.message, 'does not exist');
  await writeFile(join(directory, 'file'), '');
  const file = await rejection(listBuildIds(join(directory, 'file')));
  assert.is(file.code, 'no_build');
  assert.match(file.message, 'is not a directory');
});

test('S8: a build is named by its id, its stamp, or a path', async (t) => {
  const directory = await makeBuilds(t, [older, newer], older);
  const path = join(directory, newer);
  const linked = join(await makeDirectory(t), 'link');
  await symlink(directory, linked);
  for (const name of [newer, newer.slice(5), path, `${path}/`, relative(process.cwd(), path), join(linked, newer)]) {
    assert.is(await resolveBuild(directory, name), newer, name);
  }
  assert.is(await resolveBuild(directory, join(directory, 'current')), older);
  assert.is(await resolveBuild(linked, path), newer);
});

test('S8: a name that leads out of the builds directory, or nowhere, is refused', async (t) => {
  const elsewhere = await makeBuilds(t, [newer]);
  const directory = await makeBuilds(t, [older]);
  await symlink(join(elsewhere, newer), join(directory, 'dist.20260101-000000'));
  await mkdir(join(directory, older, newer));
  await mkdir(join(directory, 'other'));
  const names = [
    newer,
    '20260101',
    '',
    '..',
    'current',
    join(elsewhere, newer),
    join(directory, 'dist.20260101-000000'),
    join(directory, older, newer),
    join(directory, 'other'),
    join(directory, newer),
    directory,
  ];
  for (const name of names) {
    const error = await rejection(resolveBuild(directory, name));
    assert.is(error.code, 'no_build', name);
    assert.is(error.mend, 'cutover builds');
  }
});

test('S2: ten thousand builds are listed at once', async (t) => {
  const directory = await makeDirectory(t);
  const first = Date.parse('2026-01-01T00:00:00Z');
  for (let at = 0; at < 10_000; at += 1) mkdirSync(join(directory, buildIdFor(new Date(first + at * 61_000))));
  const began = performance.now();
  const ids = await listBuildIds(directory);
  const tookMs = performance.now() - began;
  assert.is(ids.length, 10_000);
  assert.equal(ids, ids.toSorted(compareBuildIds));
  const newest = await newestBuild(directory);
  assert.is(newest, ids.at(-1));
  const beganAll = performance.now();
  const builds = await listBuilds(directory);
  console.log(`ids ${tookMs.toFixed(0)} ms, inspected ${(performance.now() - beganAll).toFixed(0)} ms`);
  assert.is(builds.filter(({ broken }) => broken === 'is empty').length, 10_000);
  assert.ok(tookMs < 10_000, `${tookMs} ms`);
});
