import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { askDisk } from '../../lib/checks/disk.ts';
import { askMemory, parseMeminfo } from '../../lib/checks/memory.ts';
import { makeTmpfs } from '../base/tmpfs.ts';
import { makeDirectory } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('checks/machine');
const mebibyte = 1024 * 1024;

test('S1: a disk is judged by its share and by its bytes, the limit itself being too much', async (t) => {
  const { path } = await makeTmpfs(t, 4 * mebibyte);
  assert.is((await askDisk([path], { percent: 80 })).status, 'pass');
  await writeFile(join(path, 'three'), Buffer.alloc(3 * mebibyte));
  const fuller = await askDisk([path], { percent: 80 });
  assert.equal([fuller.status, fuller.observed, fuller.expected], ['pass', `75 % used at ${path}`, 'under 80 % used']);
  assert.is((await askDisk([path], { percent: 75 })).status, 'fail');
  assert.is((await askDisk([path], { bytes: 3 * mebibyte + 1 })).status, 'pass');
  const over = await askDisk([path], { bytes: 3 * mebibyte });
  assert.is(over.status, 'fail');
  assert.match(over.expected, /^under 3 ?M/);
  assert.match(over.mend ?? '', 'cutover prune');
  assert.match(over.mend ?? '', `du -xsh ${path}/*`);
});

test('S1: a full disk is named, whichever of the paths it is', async (t) => {
  const { path: full } = await makeTmpfs(t, mebibyte);
  const { path: empty } = await makeTmpfs(t, mebibyte);
  await writeFile(join(full, 'all'), Buffer.alloc(mebibyte));
  for (const paths of [
    [full, empty],
    [empty, full],
  ]) {
    const { status, observed } = await askDisk(paths, { percent: 80 });
    assert.equal([status, observed], ['fail', `100 % used at ${full}`]);
  }
});

test('S1: a disk that has room and no inodes is full, and so is one that cannot be written', async (t) => {
  const { path, remount } = await makeTmpfs(t, 4 * mebibyte, 100);
  assert.is((await askDisk([path], { percent: 80 })).status, 'pass');
  for (let number = 0; number < 60; number += 1) await writeFile(join(path, `${number}`), '');
  const { status, observed, mend } = await askDisk([join(path, 'state/shop')], { percent: 80 });
  assert.is(status, 'fail');
  assert.match(observed, /^\d+ inodes are free at .* \(\d+ % used\)$/);
  assert.match(mend ?? '', `df -i ${path}; cutover prune`);
  await remount('ro');
  const fixed = await askDisk([join(path, 'state/shop')], { percent: 80 });
  assert.equal([fixed.status, fixed.observed], ['fail', `${path} is on a read-only file system`]);
  assert.is(fixed.mend, `findmnt -T ${path}`);
});

test('S1: the share is the one that df shows', async (t) => {
  const path = await makeDirectory(t);
  const shown = async (): Promise<number> => {
    const { stdout } = await exec(['df', '--output=pcent', path], { timeoutMs: 10_000 });
    return Number(/(\d+)%/.exec(stdout)?.[1]);
  };
  const before = await shown();
  const { observed } = await askDisk([path], { percent: 100 });
  const after = await shown();
  const percent = Number.parseInt(observed, 10);
  // df rounds up; something else may write all the while.
  const [least, most] = [Math.min(before, after) - 1, Math.max(before, after) + 1];
  assert.ok(percent >= least && percent <= most, `${observed}, df says ${before} % and ${after} %`);
});

test('S1: a directory that is yet to be made is on the disk of the one above it', async (t) => {
  const { path } = await makeTmpfs(t, mebibyte);
  await mkdir(join(path, 'state'));
  await writeFile(join(path, 'all'), Buffer.alloc(mebibyte));
  const { status, observed } = await askDisk([join(path, 'state/shop/production')], { percent: 80 });
  assert.is(status, 'fail');
  assert.match(observed, /^100 % used/);
});

const meminfo = `MemTotal:       16384000 kB
MemFree:          512000 kB
MemAvailable:    4096000 kB
Buffers:          100000 kB
SwapTotal:             0 kB
`;

test('S1: total and available memory are read, the free one is not meant', () => {
  assert.equal(parseMeminfo(meminfo), { totalBytes: 16_384_000 * 1024, availableBytes: 4_096_000 * 1024 });
  assert.equal(parseMeminfo(''), { totalBytes: 0, availableBytes: 0 });
});

test('S1: memory is judged by an amount and by a share of the whole', async () => {
  assert.is((await askMemory({ bytes: 1 })).status, 'pass');
  assert.is((await askMemory({ percent: 0 })).status, 'pass');
  for (const limit of [{ bytes: 2 ** 60 }, { percent: 100 }]) {
    const { status, observed, expected, mend } = await askMemory(limit);
    assert.is(status, 'fail');
    assert.match(observed, /^[\d.]+ ?[KMGT]?.* available$/);
    assert.match(expected, /^over .* available$/);
    assert.match(mend ?? '', 'sort=-rss');
  }
});
