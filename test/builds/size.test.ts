import { execFileSync } from 'node:child_process';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { sizeOf } from '../../lib/builds/size.ts';
import { suite } from '../suite.ts';
import { makeDirectory, rejection } from './directory.ts';

const test = suite('builds/size');

test('W3: a tree takes what du says: hard links once, links not followed', async (t) => {
  const outside = await makeDirectory(t);
  await writeFile(join(outside, 'large'), Buffer.alloc(5_000_000, 1));
  const tree = await makeDirectory(t);
  await mkdir(join(tree, 'a/b/c'), { recursive: true });
  for (let number = 0; number < 50; number += 1) {
    await writeFile(join(tree, 'a/b', `file-${number}`), Buffer.alloc(number * 1000, 1));
  }
  await writeFile(join(tree, 'a/one'), Buffer.alloc(1_000_000, 1));
  await link(join(tree, 'a/one'), join(tree, 'a/b/c/same'));
  await symlink(outside, join(tree, 'a/elsewhere'));
  await symlink('nowhere', join(tree, 'a/dangling'));
  const du = Number(execFileSync('du', ['-s', '-B1', tree], { encoding: 'utf8' }).split('\t')[0]);
  assert.is(await sizeOf(tree), du);
  assert.ok(du < 4_000_000);
});

test('W3: what is gone takes nothing', async (t) => {
  assert.is(await sizeOf(join(await makeDirectory(t), 'gone')), 0);
});

test('W3: an aborted count ends with the reason', async (t) => {
  const tree = await makeDirectory(t);
  const error = await rejection(sizeOf(tree, AbortSignal.abort(new Error('enough'))));
  assert.is(error.message, 'enough');
});
