import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { matchesOf } from '../../lib/base/matching.ts';
import { openController } from '../../lib/base/wait.ts';
import { suite } from '../suite.ts';

const test = suite('base/matching');
const endless = '(a+)+$';
const trap = `${'a'.repeat(60)}!`;

test('which texts match, whether the pattern is tried here or on a thread', async () => {
  const texts = ['fine', 'ERROR 1', '', 'ERROR 22', 'error'];
  assert.equal(await matchesOf('ERROR', texts), [1, 3]);
  assert.equal(await matchesOf(String.raw`ERROR \d{2}$`, texts), [3]);
  assert.equal(await matchesOf('^$', texts), [2]);
  assert.equal(await matchesOf('(never)', texts), []);
  assert.equal(await matchesOf('(a)', []), []);
});

test('S3: a pattern that comes to no end is given up, and holds nobody up meanwhile', async () => {
  let turns = 0;
  const beating = setInterval(() => (turns += 1), 20);
  const found = await matchesOf(endless, [trap], { timeoutMs: 500 }).catch((error: unknown) => error);
  clearInterval(beating);
  assert.instance(found, CutoverError);
  assert.match((found as CutoverError).message, 'the pattern (a+)+$ came to no end within 0.5 s');
  assert.ok(turns > 0);
});

test('S3: who is interrupted does not wait for the pattern', async () => {
  const controller = openController();
  const asked = matchesOf(endless, [trap], { timeoutMs: 600_000, signal: controller.signal });
  controller.abort(new Error('enough'));
  assert.is(((await asked.catch((error: unknown) => error)) as Error).message, 'enough');
});
