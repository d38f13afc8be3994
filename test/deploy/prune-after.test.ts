// needs: sandbox
import { readdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/prune after a run');

test('W3: each deploy leaves what the keep rules keep, and tells what went', async (t) => {
  const site = await makeSite(t, { builds: [{}], keys: ['keep = 1'] });
  for (let number = 2; number <= 5; number += 1) {
    await site.add();
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.active], [0, buildId(number)], called.stderr);
    if (number === 5) assert.match(called.stderr, `note: removed old builds: ${buildId(2)}`);
  }
  assert.equal(await buildsOf(site), [3, 4, 5].map(buildId));
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, buildId(4)], back.stderr);
  await assertSound(site, buildId(4), back);
});

test('W3: a deploy that failed removes no way back', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}], keys: ['keep = 0'] });
  for (const number of [2, 3]) assert.is((await site.call('deploy', [buildId(number)])).code, 0);
  for (let time = 0; time < 4; time += 1) {
    await site.add({ mode: 'crash' });
    assert.is((await site.call('deploy')).code, 4);
  }
  const left = await buildsOf(site);
  assert.equal(left.slice(0, 2), [buildId(2), buildId(3)], left.join(', '));
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, buildId(2)], back.stderr);
  await assertSound(site, buildId(2), back);
});

async function buildsOf({ sandbox, builds }: Site): Promise<string[]> {
  const names = await readdir(sandbox.hostPath(builds));
  return names.filter((name) => name.startsWith('dist.')).toSorted();
}
