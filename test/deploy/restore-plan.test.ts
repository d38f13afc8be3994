import { link, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { restorePlan } from '../../lib/deploy/restore-plan.ts';
import type { PlanTools } from '../../lib/deploy/strategy.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { makeSqlite } from '../database/samples.ts';
import { inputsOf } from '../run/samples.ts';
import { suite } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';

const test = suite('deploy/restore-plan');
const run = '20260203-151120-4f2a';

test('P3: whoever ends a restore that died in the middle of it starts the service on what was there, log and all', async (t) => {
  const { database } = await makeSqlite(t, 'CREATE TABLE users(name TEXT)');
  const path = database.path ?? '';
  const aside = `${path}.broken-20260203151120`;
  await link(path, aside);
  await writeFile(`${aside}-wal`, 'log');
  await writeFile(`${path}.restoring`, 'half');
  const found: string[][] = [];
  const facts = async (unit: string): ReturnType<Systemd['facts']> => {
    found.push((await readdir(dirname(path))).toSorted());
    return factsWith({ unit });
  };
  const inputs = inputsOf(run, { kind: 'restore', target: { ...inputsOf(run).target, database } });
  const tools = { systemd: { facts }, meter: { opened: async () => true }, transcript: [] } as unknown as PlanTools;
  await restorePlan(inputs, tools)[0]?.revert?.();
  assert.equal(found[0], ['app.db', 'app.db-wal']);
  assert.is(await readFile(`${path}-wal`, 'utf8'), 'log');
});
