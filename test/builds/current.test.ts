import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { currentBuild, readCurrent } from '../../lib/builds/current.ts';
import { suite } from '../suite.ts';
import { makeBuilds, makeDirectory } from './directory.ts';

const test = suite('builds/current');
const build = 'dist.20260203-151116';

test('S1: a relative link to a build is in order', async (t) => {
  const directory = await makeBuilds(t, [build], build);
  assert.equal(await readCurrent(directory), { state: 'ok', build, destination: build });
  assert.is(await currentBuild(directory), build);
});

test('S1: a builds directory reached through a link itself is in order', async (t) => {
  const directory = await makeBuilds(t, [build], build);
  const link = join(await makeDirectory(t), 'builds');
  await symlink(directory, link);
  assert.equal(await readCurrent(link), { state: 'ok', build, destination: build });
});

test('S1: no link is missing, also where there is no builds directory', async (t) => {
  const directory = await makeBuilds(t, [build]);
  assert.equal(await readCurrent(directory), { state: 'missing' });
  assert.equal(await readCurrent(join(directory, 'nowhere')), { state: 'missing' });
  assert.is(await currentBuild(directory), null);
});

test('S1: a link to nothing, or to itself, dangles', async (t) => {
  const directory = await makeBuilds(t, [], build);
  assert.equal(await readCurrent(directory), { state: 'dangling', destination: build });
  const circle = await makeBuilds(t, [], 'current');
  assert.equal(await readCurrent(circle), { state: 'dangling', destination: 'current' });
});

test('S1: a directory or a file in its place is no link', async (t) => {
  const directory = await makeBuilds(t, [build]);
  await mkdir(join(directory, 'current'));
  assert.equal(await kindIn(directory), 'directory');
  await rm(join(directory, 'current'), { recursive: true });
  await writeFile(join(directory, 'current'), '');
  assert.equal(await kindIn(directory), 'file');
});

async function kindIn(directory: string): Promise<string> {
  const found = await readCurrent(directory);
  return found.state === 'not_a_link' ? found.kind : found.state;
}

test('S1: a link that leaves the builds directory is outside, also through a build that is a link', async (t) => {
  const elsewhere = await makeBuilds(t, [build]);
  const path = join(elsewhere, build);
  const directory = await makeBuilds(t, [], path);
  assert.equal(await readCurrent(directory), { state: 'outside', destination: path, path });
  const indirect = await makeBuilds(t, [], build);
  await symlink(path, join(indirect, build));
  assert.equal(await readCurrent(indirect), { state: 'outside', destination: build, path });
});

test('S1: a directory whose name only begins alike is outside', async (t) => {
  const parent = await makeDirectory(t);
  await mkdir(join(parent, 'builds'));
  await mkdir(join(parent, 'builds-old', build), { recursive: true });
  await symlink(`../builds-old/${build}`, join(parent, 'builds', 'current'));
  assert.is((await readCurrent(join(parent, 'builds'))).state, 'outside');
});

test('S1: an absolute link to a build is told apart', async (t) => {
  const directory = await makeBuilds(t, [build]);
  const destination = join(directory, build);
  await symlink(destination, join(directory, 'current'));
  assert.equal(await readCurrent(directory), { state: 'absolute', build, destination });
  assert.is(await currentBuild(directory), build);
});

test('S1: what is not a build is none: a part of one, another name, a file, the directory itself', async (t) => {
  for (const destination of [`${build}/part`, 'other', 'dist.20260203-000000', '.']) {
    const directory = await makeBuilds(t, [build], destination);
    await mkdir(join(directory, build, 'part'));
    await mkdir(join(directory, 'other'));
    await writeFile(join(directory, 'dist.20260203-000000'), '');
    assert.is((await readCurrent(directory)).state, 'not_a_build', destination);
  }
});
