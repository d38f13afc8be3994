import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isAllowed } from '../../lib/builds/access.ts';
import { compareBuild } from '../../lib/builds/compare.ts';
import { inspectBuild } from '../../lib/builds/inspect.ts';
import {
  contentsName,
  formatManifest,
  type Manifest,
  manifestName,
  parseManifest,
  readManifest,
} from '../../lib/builds/manifest.ts';
import { originOf } from '../../lib/builds/origin.ts';
import { openController } from '../../lib/base/wait.ts';
import { suite } from '../suite.ts';
import { makeBuilds, rejection } from './directory.ts';

const test = suite('builds/inspect');
const build = 'dist.20260203-151116';
const manifest: Manifest = {
  sourceSha256: 'a'.repeat(64),
  revision: 'c0ffee1',
  branch: 'main',
  files: 3,
  bytes: 4096,
  createdAt: new Date('2026-02-03T15:11:16Z'),
  contentsSha256: '0f'.repeat(32),
};

test('S2: what a manifest tells is part of the build', async (t) => {
  const directory = await makeBuilds(t, [build]);
  await writeFile(join(directory, build, manifestName), formatManifest(manifest));
  assert.equal(await readManifest(join(directory, build)), manifest);
  const found = await inspectBuild(directory, build);
  assert.equal([found.revision, found.branch, found.broken], ['c0ffee1', 'main', null]);
});

test('S2: a build without a manifest is a build', async (t) => {
  const directory = await makeBuilds(t, [build]);
  assert.is(await readManifest(join(directory, build)), null);
  assert.is((await inspectBuild(directory, build)).broken, null);
});

test('S2: a manifest with further keys, or without the optional ones, is read', () => {
  const text = '{"files": 0, "bytes": 0, "created_at": "2026-02-03T15:11:16Z", "later": [1]}';
  assert.equal(parseManifest(text), {
    ...manifest,
    sourceSha256: null,
    revision: null,
    branch: null,
    files: 0,
    bytes: 0,
    contentsSha256: null,
  });
});

test('S2: a damaged manifest is a broken build', async (t) => {
  const good: Record<string, unknown> = JSON.parse(formatManifest(manifest));
  const damages: [string, string][] = [
    ['{"files"', 'is not JSON'],
    ['', 'is not JSON'],
    ['[]', 'is not an object'],
    ['null', 'is not an object'],
    [JSON.stringify({ ...good, files: -1 }), '"files"'],
    [JSON.stringify({ ...good, bytes: '4' }), '"bytes"'],
    [JSON.stringify({ ...good, created_at: 'yesterday' }), '"created_at"'],
    [JSON.stringify({ ...good, revision: 7 }), '"revision"'],
    [JSON.stringify({ ...good, branch: 'a\nb' }), '"branch"'],
    [JSON.stringify({ ...good, branch: 'a\0b' }), '"branch"'],
    [JSON.stringify({ ...good, revision: '\u001b[2J' }), '"revision"'],
    [JSON.stringify({ ...good, revision: '\u009b2J' }), '"revision"'],
    [JSON.stringify({ ...good, revision: 'a'.repeat(201) }), '"revision"'],
    [JSON.stringify({ ...good, source_sha256: 'short' }), '"source_sha256"'],
  ];
  const directory = await makeBuilds(t, [build]);
  for (const [text, what] of damages) {
    await writeFile(join(directory, build, manifestName), text);
    const { broken } = await inspectBuild(directory, build);
    assert.match(broken ?? '', 'has a damaged manifest');
    assert.match(broken ?? '', what);
  }
});

/** What a service may put in the place of a file of ours, and what is said of it. */
const inPlace: Record<string, [make: (path: string) => unknown, what: string]> = {
  'a pipe': [(path) => execFileSync('mkfifo', [path]), 'is no regular file'],
  'a link to a pipe': [
    async (path) => {
      execFileSync('mkfifo', [`${path}.pipe`]);
      await symlink(`${path}.pipe`, path);
    },
    'is a link',
  ],
  'a link to what never ends': [(path) => symlink('/dev/zero', path), 'is a link'],
  'a file of a gigabyte': [(path) => writeFile(path, '').then(() => truncate(path, 1024 ** 3)), 'is longer than'],
  'a directory': [(path) => mkdir(path), 'is no regular file'],
};

for (const [name, [make, what]] of Object.entries(inPlace)) {
  test(`S2: ${name} in the place of the manifest is a broken build of unknown origin, and is not waited for`, async (t) => {
    const directory = await makeBuilds(t, [build]);
    const path = join(directory, build, manifestName);
    await make(path);
    assert.match(
      (await inspectBuild(directory, build)).broken ?? '',
      `has a damaged manifest: ${manifestName} ${what}`,
    );
    assert.equal(await originOf(directory, build), { revision: null, branch: null });
  });

  test(`S2: ${name} in the place of the list is no list, and is not waited for`, async (t) => {
    const directory = await makeBuilds(t, [build]);
    await writeFile(join(directory, build, manifestName), formatManifest(manifest));
    await make(join(directory, build, contentsName));
    const error = await rejection(compareBuild(join(directory, build), openController().signal));
    assert.match(error.message, `has a damaged list of its files: ${contentsName}: it ${what}`);
    assert.is(error.code, 'no_build');
  });
}

test('S2: a half-copied build, a file, a link and nothing are broken', async (t) => {
  const directory = await makeBuilds(t, [build]);
  await mkdir(join(directory, 'dist.20260203-000000'));
  await mkdir(join(directory, 'dist.20260203-000001'));
  await writeFile(join(directory, 'dist.20260203-000001', manifestName), formatManifest(manifest));
  await writeFile(join(directory, 'dist.20260203-000002'), '');
  await symlink(build, join(directory, 'dist.20260203-000003'));
  const reasons = await Promise.all(
    [0, 1, 2, 3, 4].map(async (number) => (await inspectBuild(directory, `dist.20260203-00000${number}`)).broken),
  );
  assert.equal(reasons, [
    'is empty',
    'is empty',
    'is a file, not a directory',
    'is a link, not a directory',
    'does not exist',
  ]);
  assert.is((await rejection(inspectBuild(directory, '..'))).code, 'no_build');
});

test('S2: a build that its unit may not read is broken, whoever asks', async (t) => {
  const directory = await makeBuilds(t, [build]);
  const path = join(directory, build);
  const stranger = { uid: 54_321, gids: [54_321] };
  await chmod(directory, 0o755);
  await chmod(path, 0o755);
  assert.is((await inspectBuild(directory, build, { asUser: stranger })).broken, null);
  await chmod(path, 0o711);
  assert.match(
    (await inspectBuild(directory, build, { asUser: stranger })).broken ?? '',
    `may not read ${path} (mode 711)`,
  );
  await chmod(path, 0o755);
  await chmod(directory, 0o700);
  assert.match((await inspectBuild(directory, build, { asUser: stranger })).broken ?? '', `may not enter ${directory}`);
  assert.is((await inspectBuild(directory, build, { asUser: { uid: 0, gids: [0] } })).broken, null);
});

test('S2: owner and group count before the others', () => {
  const facts = { uid: 11, gid: 22 };
  const readAndEnter = 5;
  assert.ok(isAllowed({ ...facts, mode: 0o40500 }, { uid: 11, gids: [1] }, readAndEnter));
  assert.ok(isAllowed({ ...facts, mode: 0o40050 }, { uid: 12, gids: [1, 22] }, readAndEnter));
  assert.ok(isAllowed({ ...facts, mode: 0o40005 }, { uid: 12, gids: [1] }, readAndEnter));
  assert.not(isAllowed({ ...facts, mode: 0o40077 }, { uid: 11, gids: [22] }, readAndEnter));
  assert.not(isAllowed({ ...facts, mode: 0o40707 }, { uid: 12, gids: [22] }, readAndEnter));
  assert.not(isAllowed({ ...facts, mode: 0o40774 }, { uid: 12, gids: [1] }, readAndEnter));
});
