import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { downtimeMeter, pauseAfter } from '../../lib/deploy/downtime.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/downtime');

test('a look that fails ends the measuring, and not the run', async (t) => {
  // One that is stopped before a look failed has measured something.
  for (let pauseMs = 200; ; pauseMs *= 2) {
    // Nothing can be connected to at such a port: that is thrown, and not answered with a no.
    const meter = downtimeMeter([70_000], () => Promise.resolve([]));
    meter.start();
    await sleep(pauseMs, undefined, { signal: t.signal });
    if ((await meter.stop()) === null) return;
  }
});

test('S2, P6: who waits for long is looked at less often, and never less than 50 times a second', () => {
  const cheap = [0, 299, 1_000, 30_000].map((unchangedMs) => pauseAfter(0, unchangedMs));
  assert.equal(cheap, [3, 3, 10, 20]);
  const dear = [0, 1_000, 30_000].map((unchangedMs) => pauseAfter(4, unchangedMs));
  assert.equal(dear, [16, 16, 20], 'a dear look takes at most a quarter of a processor');
});
