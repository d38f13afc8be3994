import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { lockDescriptor } from '../../lib/base/flock.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('base/flock');
/** open(2): a descriptor that only names its file, and that flock(2) refuses; Node does not know its number. */
const onlyPath = 0o10000000;

test('S8: a lock belongs to one open file, until that is closed', async (t) => {
  const path = join(await makeDirectory(t), 'lock');
  const [first, second] = [await open(path, 'a'), await open(path, 'a')];
  t.cleanup(() => second.close());
  assert.is(await lockDescriptor(first.fd, { waitMs: 0 }), true);
  assert.is(await lockDescriptor(second.fd, { waitMs: 0 }), false);
  assert.is(await lockDescriptor(second.fd, { waitMs: 10 }), false, 'nor a moment later');
  await first.close();
  assert.is(await lockDescriptor(second.fd, { waitMs: 0 }), true);
});

test('S8: where there can be no lock, flock tells why', async (t) => {
  const file = await open(await makeDirectory(t), constants.O_RDONLY | onlyPath);
  t.cleanup(() => file.close());
  const error = await rejection(lockDescriptor(file.fd, { waitMs: 0 }));
  assert.instance(error, CutoverError);
  assert.is(error.code, 'refused', 'nothing was changed');
  assert.match(error.message, /^flock ended with \d+: .*Bad file descriptor$/);
});

test('S8: a machine without flock is told what to install: nothing was changed', async (t) => {
  const file = await open(join(await makeDirectory(t), 'lock'), 'a');
  t.cleanup(() => file.close());
  const { PATH } = process.env;
  t.cleanup(() => (process.env.PATH = PATH));
  process.env.PATH = '/nonexistent';
  const error = await rejection(lockDescriptor(file.fd, { waitMs: 0 }));
  assert.equal([error.code, error.message], ['refused', 'flock is not installed']);
  assert.is(error.mend, 'apt-get install util-linux');
});
