import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('units/numbers');

/** What a shipped unit says, by its key; of a key that stands there twice the last. */
async function saidBy(name: string): Promise<Record<string, string>> {
  const text = await readFile(join(repository, 'units', name), 'utf8');
  return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]));
}

test('W1: the receiver comes back after 10 s, however often, and has 512 MB', async () => {
  const { Restart, RestartSec, StartLimitIntervalSec, MemoryMax } = await saidBy('cutover-serve.service');
  assert.equal([Restart, RestartSec, StartLimitIntervalSec, MemoryMax], ['always', '10s', '0', '512M']);
});

test('S5: an app has 10 s to stop, 60 s to start, and 3 starts in 5 min', async () => {
  const { TimeoutStopSec, TimeoutStartSec, StartLimitBurst, StartLimitIntervalSec } = await saidBy('app.service');
  assert.equal([TimeoutStopSec, TimeoutStartSec], ['10s', '60s']);
  assert.equal([StartLimitBurst, StartLimitIntervalSec], ['3', String(5 * 60)]);
});
