// needs: sandbox
import * as assert from 'uvu/assert';
import type { DryRun } from '../../lib/deployer/dry-run.ts';
import { suite } from '../suite.ts';
import { held, startDeploy, untilBegun } from './running.ts';
import { breakInService, buildId, makeSite, pointCurrent, type Refusal } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/force');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

test('S7: --force is refused where the target does not allow it', async (t) => {
  const site = await makeSite(t);
  const before = await whoServes(site);
  const called = await site.call<{ error: { code: string; message: string; mend: string } }>('deploy', ['--force']);
  assert.equal([called.code, called.document.error?.code], [64, 'usage']);
  assert.match(called.document.error.message, '--force is not allowed on production');
  assert.match(called.document.error.mend, 'targets.production.allow_force = true');
  assert.equal(await whoServes(site), before);
  await assertSound(site, first);
});

test('S7: --force skips failed checks and redeploys the deployed build, and keeps gate and rollback', async (t) => {
  const tables = { limits: ['memory_available = "900000G"'] };
  const site = await makeSite(t, { isDeployed: false });
  await site.call('deploy');
  await site.configure({ keys: ['allow_force = true'], tables });
  const before = await whoServes(site);
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [1, 'refused']);
  assert.equal(await whoServes(site), before);
  const forced = await site.call('deploy', ['--force']);
  assert.equal([forced.code, forced.document.outcome, forced.document.active], [0, 'deployed', first], forced.stderr);
  assert.not.equal((await whoServes(site))?.pid, before?.pid);
  await assertSound(site, first, refused, forced);
  await site.add({ mode: 'crash' });
  const bad = await site.call('deploy', ['--force']);
  assert.equal([bad.code, bad.document.outcome, bad.document.active], [4, 'rolled_back', first]);
  await assertSound(site, first, bad);
  // It starts, and is never well: only the gate tells.
  const unhealthy = await site.add({ mode: 'status' });
  const gated = await site.call('deploy', [unhealthy, '--force']);
  const { failure } = gated.document;
  assert.equal([gated.code, failure?.step, failure?.reason], [4, 'gate', 'health'], gated.stderr);
  await assertSound(site, first, gated);
});

test('S7: --force takes the target from nobody', async (t) => {
  const site = await makeSite(t, { ...held, keys: ['allow_force = true'] });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const { code, document, stderr } = await site.call<Refusal>('deploy', ['--force']);
  assert.equal([code, document.error?.code], [75, 'locked'], stderr);
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S1: a service that is down is repaired with --fix-forward, as the refusal says', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [1, 'refused']);
  const failed = refused.document.checks.filter(({ status }) => status === 'fail');
  assert.equal(
    failed.map(({ name }) => name),
    ['unit', 'health'],
  );
  assert.match(failed.map(({ mend }) => mend).join('\n'), 'cutover deploy production --fix-forward');
  assert.match(failed.map(({ mend }) => mend).join('\n'), 'cutover rollback production');
  const repaired = await site.call('deploy', ['--fix-forward']);
  assert.equal(
    [repaired.code, repaired.document.outcome, repaired.document.active],
    [0, 'deployed', second],
    repaired.stderr,
  );
  await assertSound(site, second, repaired);
});

test('S4: --fix-forward with a bad build goes back to the last proven one', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }] });
  await site.call('deploy', [second]);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  await pointCurrent(site, first);
  const called = await site.call('deploy', ['--fix-forward']);
  assert.equal(
    [called.code, called.document.outcome, called.document.active],
    [4, 'rolled_back', second],
    called.stderr,
  );
  await assertSound(site, second, called);
});

test('S4: --fix-forward with a bad build, from one that gave up: the last proven build that can serve is back', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }] });
  await site.call('deploy', [second]);
  await breakInService(site, second);
  const called = await site.call('deploy', [third, '--fix-forward']);
  assert.equal(
    [called.code, called.document.outcome, called.document.active],
    [4, 'rolled_back', first],
    called.stderr,
  );
  await assertSound(site, first, called);
});

test('S2: --dry-run ends with the exit code of the deploy, and lists steps where it would take some', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const plan = (...words: string[]) => site.call<DryRun>('deploy', ['--dry-run', ...words]);
  const forced = await site.call<Refusal>('deploy', ['--dry-run', '--force']);
  assert.equal([forced.code, forced.document.error?.code], [64, 'usage']);
  const same = await plan(first);
  assert.equal([same.code, same.document.steps], [0, []], 'it serves already');
  await pointCurrent(site, second);
  const moved = await plan(second);
  assert.equal([moved.code, moved.document.steps[0]?.name], [0, 'stop'], 'another one serves');
  await pointCurrent(site, first);
  await site.sandbox.run('sh', '-c', `rm -r ${site.builds}/${second}/*`);
  for (const words of [[second], ['--fix-forward']]) {
    const [dry, real] = [await plan(...words), await site.call('deploy', words)];
    assert.equal([dry.code, dry.document.exit_code, real.code], [2, 2, 2], real.stderr);
  }
  await assertSound(site, first);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const repair = await plan(first, '--fix-forward');
  assert.equal([repair.code, repair.document.steps[0]?.name], [0, 'stop'], 'it is down');
});
