// needs: sandbox
import { rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite } from '../suite.ts';
import { buildId, makeSite, pointCurrent } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/links');
const [first, second] = [buildId(1), buildId(2)];

test('S2: a link that was moved by hand without a restart is deployed', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await pointCurrent(site, second);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome, called.document.active], [0, 'deployed', second]);
  await assertSound(site, second, called);
});

test('S1, S11: a link that was moved or removed by hand is told, with what puts it right', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const calm = await site.tell('status');
  assert.not.match(calm.stdout, 'RUNS');
  for (const named of [second, null]) {
    if (named === null) await rm(site.sandbox.hostPath(`${site.builds}/current`));
    else await pointCurrent(site, named);
    const checked = await site.call<{ checks: RunDocument['checks'] }>('check');
    const answer = checked.document.checks.find(({ name }) => name === 'builds');
    assert.equal([checked.code, answer?.status], [0, 'warn'], checked.stderr);
    const said = named === null ? 'there is no current' : `current names ${named}`;
    assert.match(answer?.observed ?? '', `${said}, while ${first} runs`);
    assert.match((await site.tell('status')).stdout, new RegExp(`RUNS +${first}, and the next start is `));
    const { targets } = (await site.call<{ targets: TargetStatus[] }>('status')).document;
    assert.equal([targets[0]?.current, targets[0]?.serving], [named, first]);
    const [command = ''] = (answer?.mend ?? '').split(';');
    await site.sandbox.run('sh', '-c', command);
    const { checks } = (await site.call<{ checks: RunDocument['checks'] }>('check')).document;
    assert.is(checks.find(({ name }) => name === 'builds')?.status, 'pass');
  }
});

test('S4: a link that was moved by hand to a bad build: what ran before comes back', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  await pointCurrent(site, second);
  const called = await site.call('deploy');
  assert.equal(
    [called.code, called.document.outcome, called.document.active],
    [4, 'rolled_back', first],
    called.stderr,
  );
  await assertSound(site, first, called);
});

test('S4: a link that was removed by hand, and a bad build: what ran before comes back', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  await rm(site.sandbox.hostPath(`${site.builds}/current`));
  const called = await site.call('deploy');
  assert.equal(
    [called.code, called.document.outcome, called.document.active],
    [4, 'rolled_back', first],
    called.stderr,
  );
  await assertSound(site, first, called);
});

test('S6: an absolute current becomes relative', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await pointCurrent(site, `${site.builds}/${first}`);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.from, called.document.active], [0, first, second], called.stderr);
  assert.is(called.document.checks.find(({ name }) => name === 'builds')?.status, 'warn');
  await assertSound(site, second, called);
});

test('S8: rollback from a current that points nowhere', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  await pointCurrent(site, 'dist.20200101-000000');
  const called = await site.call('rollback', [first]);
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  await assertSound(site, first, called);
});
