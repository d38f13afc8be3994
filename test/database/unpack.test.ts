import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { compress, unpack } from '../../lib/database/unpack.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('database/unpack');

test('P3: what was compressed is unpacked as it was', async (t) => {
  const directory = await makeDirectory(t);
  const [from, packed, to] = ['a', 'a.gz', 'b'].map((name) => join(directory, name)) as [string, string, string];
  const bytes = randomBytes(300_000);
  await writeFile(from, bytes);
  await compress(from, packed, new AbortController().signal);
  await unpack(packed, to, { timeoutMs: 10_000 });
  assert.ok((await readFile(to)).equals(bytes));
});

test('P3: an interruption is what it is, and no defect', async (t) => {
  const directory = await makeDirectory(t);
  const from = join(directory, 'a');
  await writeFile(from, randomBytes(4_000_000));
  const ended = new AbortController();
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const [packing, unpacking] = [
    compress(from, join(directory, 'a.gz'), ended.signal),
    unpack(from, join(directory, 'b'), { timeoutMs: 10_000, signal: ended.signal }),
  ].map(rejection);
  ended.abort(reason);
  assert.equal([await packing, await unpacking], [reason, reason]);
});
