import { setTimeout as sleep } from 'node:timers/promises';
import { downtimeMeter } from '../../lib/deploy/downtime.ts';
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
