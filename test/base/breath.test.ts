import * as assert from 'uvu/assert';
import { Breath } from '../../lib/base/breath.ts';
import { openController } from '../../lib/base/wait.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('base/breath');

test('S8: long work that takes a breath hears of what ends it', async () => {
  const { signal } = openController();
  const breath = new Breath(signal, 0);
  assert.ok(breath.isDue());
  await breath.take();
  const ended = openController();
  const reason = new Error('interrupted');
  setTimeout(() => ended.abort(reason), 1);
  const working = async (): Promise<void> => {
    const atWork = new Breath(ended.signal, 0);
    for (;;) if (atWork.isDue()) await atWork.take();
  };
  assert.is(await rejection(working()), reason);
});
