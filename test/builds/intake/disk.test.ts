import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { makeTmpfs } from '../../base/tmpfs.ts';
import { suite } from '../../suite.ts';
import { rejection } from '../directory.ts';
import { tarOf } from './archive.ts';
import { makeTaking } from './taking.ts';

const test = suite('builds/intake/disk');

const megabyte = 2 ** 20;

test('W3: a disk that becomes full leaves nothing of the build, and the next one finds room', async (t) => {
  const { path } = await makeTmpfs(t, 8 * megabyte);
  const taking = await makeTaking(t, { around: path });
  // Each takes a page, which no header tells.
  const many = Array.from({ length: 3000 }, (_, at) => ({ name: `f${at}`, body: 'x' }));
  const error = await rejection(taking.add(tarOf(...many)));
  assert.equal([error.code, error.message.endsWith('no space left')], ['disk', true], error.message);
  assert.equal(await readdir(join(taking.builds, '.incoming')), []);
  assert.equal(await readdir(taking.builds), ['.incoming']);
  await taking.add(tarOf({ name: 'app.js', body: Buffer.alloc(6 * megabyte) }));
});

test('W3: what the disk has no room for is refused before it is written', async (t) => {
  const { path } = await makeTmpfs(t, 8 * megabyte);
  const taking = await makeTaking(t, { around: path });
  const error = await rejection(taking.add(tarOf({ name: 'large', body: '', size: 20 * megabyte })));
  assert.equal([error.code, /all that the disk can spare/.test(error.message)], ['disk', true]);
  assert.equal(await readdir(join(taking.builds, '.incoming')), []);
});

test('P1: a disk that may not be written says so', async (t) => {
  const tmpfs = await makeTmpfs(t, 8 * megabyte);
  const taking = await makeTaking(t, { around: tmpfs.path });
  await mkdir(join(taking.builds, '.incoming'));
  await tmpfs.remount('ro');
  const error = await rejection(taking.add(tarOf({ name: 'app.js', body: 'x' })));
  assert.equal([error.code, /Read-only file system/.test(error.message)], ['permission', true], error.message);
});
