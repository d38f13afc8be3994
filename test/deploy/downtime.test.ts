import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { downtimeMeter } from '../../lib/deploy/downtime.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/downtime');

test('a look that fails ends the measuring, and not the run', async () => {
  // Nothing can be connected to at such a port: that is thrown, and not answered with a no.
  const meter = downtimeMeter([70_000], () => Promise.resolve([]));
  meter.start();
  await sleep(200);
  assert.is(await meter.stop(), null);
});
