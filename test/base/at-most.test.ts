import * as assert from 'uvu/assert';
import { atMost } from '../../lib/base/at-most.ts';
import { sleep } from '../../lib/base/wait.ts';
import { suite } from '../suite.ts';

const test = suite('base/at-most');

test('results stand in the order of the items, and no more than so many are at work', async () => {
  let [working, most] = [0, 0];
  const found = await atMost(3, [5, 1, 4, 0, 3, 2], async (ms) => {
    working += 1;
    most = Math.max(most, working);
    await sleep(ms);
    working -= 1;
    return ms * 10;
  });
  assert.equal([found, most], [[50, 10, 40, 0, 30, 20], 3]);
});

test('none is begun after one has failed, and its error is what is thrown', async () => {
  const begun: number[] = [];
  const failing = atMost(1, [1, 2, 3], async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('two');
  });
  const message = await failing.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );
  assert.equal([message, begun], ['two', [1, 2]]);
});
