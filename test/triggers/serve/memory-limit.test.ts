import { setImmediate as immediate } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { memoryLimitOf } from '../../../lib/triggers/serve/memory-limit.ts';
import { until } from '../../deploy/site.ts';
import { suite } from '../../suite.ts';

const test = suite('triggers/serve/memory-limit');

test('W1: a systemd that does not answer is asked again for the limit, and one that did is not', async () => {
  let asked = 0;
  const limit = memoryLimitOf('cutover-serve.service', {
    async property() {
      asked += 1;
      if (asked < 3) throw new Error('no answer');
      return 1024n;
    },
  });
  await until('it is known', async () => limit() === 1024);
  assert.equal([limit(), asked], [1024, 3]);
});

/** What systemd says where there is no limit. */
async function infinite(): Promise<bigint> {
  return 2n ** 64n - 1n;
}

test('W1: without a unit of its own, or a limit, there is none', async () => {
  for (const unit of [null, 'session-1.scope', 'cutover-serve.service']) {
    const limit = memoryLimitOf(unit, { property: infinite });
    assert.is(limit(), null, String(unit));
    await immediate();
    assert.is(limit(), null, String(unit));
  }
});
