import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readTree } from '../../lib/builds/tree.ts';
import { openController } from '../../lib/base/wait.ts';
import { suite } from '../suite.ts';
import { makeDirectory, rejection } from './directory.ts';

const test = suite('builds/tree');

test('P1: a tree that cannot be read changes nothing: that is no service that a person has to see to', async (t) => {
  const gone = join(await makeDirectory(t), 'gone');
  const error = await rejection(readTree(gone, { signal: openController().signal }));
  assert.equal([error.code, (error as { exitCode?: number }).exitCode], ['refused', 1]);
  assert.match(error.message, `cannot read all of ${gone}`);
});
