import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { markUntold, pruneRecords, readRecord, writeRecord } from '../../../lib/triggers/serve/record.ts';
import { suite } from '../../suite.ts';
import { makeState } from '../../run/samples.ts';

const test = suite('triggers/serve/record-prune');

const name = (n: number): string => `r${String(n).padStart(8, '0')}x4f2a9c1b`;

test('W1: the clock went back: of two hundred records from later the one that was just written stays', async (t) => {
  const paths = await makeState(t);
  const nothing = { run: null, stage: null, ended_at: null, exit_code: 0, document: null, error: null };
  const hour = Date.now() / 1000 + 3_600;
  for (let n = 1; n <= 201; n += 1) {
    await writeRecord(paths, { id: name(n), started_at: new Date().toISOString(), ...nothing });
    if (n <= 200) await utimes(join(paths.directory, 'requests', `${name(n)}.json`), hour + n, hour + n);
  }
  await markUntold(paths, name(1));
  await pruneRecords(paths, name(201));
  assert.is((await readRecord(paths, name(201)))?.id, name(201));
  assert.is(await readRecord(paths, name(1)), null, 'the oldest of the others goes');
  assert.is((await readdir(join(paths.directory, 'requests'))).length, 200);
});
