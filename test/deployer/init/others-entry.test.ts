import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { entryOfOthers } from '../../../lib/deployer/init/others-entry.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init others-entry');

/** What is found in a directory that holds these. */
async function foundAmong(t: TestContext, names: readonly string[]): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-entries-'));
  t.cleanup(() => rm(folder, { recursive: true }));
  for (const name of names) await writeFile(join(folder, name), '');
  return entryOfOthers(folder, 'shop', [
    { name: 'production', unit: 'shop.service' },
    { name: 'staging', unit: 'shop-staging.service' },
  ]);
}

const own = [
  'shop@production-20260203-151116-4f2a.dump',
  'shop@production-20260203-151116-4f2b.sqlite.gz',
  'shop@staging-20260203-151116-4f2a.dump',
  '.shop@production.backup',
  '.shop@staging.restore',
  'deployment-shop.service-20260203-151116.log',
  'deployment-shop-staging.service-20260203-151116-2.log',
  'shop',
];

test('S8: what the deploys of an app wrote is its own', async (t) => {
  assert.is(await foundAmong(t, []), null);
  assert.is(await foundAmong(t, own), null);
  assert.is(await entryOfOthers('/nowhere/to/be/found', 'shop', []), null);
});

test('S8: anything else is another one, the first of them by name', async (t) => {
  const others = [
    'billing@production-20260203-151116-4f2a.dump',
    'shop@preview-20260203-151116-4f2a.dump',
    'shop@production-eu-20260203-151116-4f2a.dump',
    'my-shop@production-20260203-151116-4f2a.dump',
    '.billing@production.backup',
    'deployment-billing.service-20260203-151116.log',
    'deployment-my-shop.service-20260203-151116.log',
    'billing',
    'installed.json',
  ];
  for (const name of others) assert.is(await foundAmong(t, [...own, name]), name);
  assert.is(await foundAmong(t, [...own, ...others]), others.toSorted()[0]);
});
