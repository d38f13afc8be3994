// needs: sandbox
import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import {
  assertWentBack,
  endStop,
  ledger,
  lockText,
  held,
  heldDeploy,
  slowToStop,
  startDeploy,
  untilStopping,
} from './running.ts';
import { buildId, type Called, makeSite, type Refusal, until, untilNextSecond } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/signals');
const [first, second] = [buildId(1), buildId(2)];

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  test(`S4: ${name} in the middle of a run takes it back`, async (t) => {
    const { site, run } = await heldDeploy(t);
    run.child.kill(name);
    const called = await run.end();
    const { failure } = called.document;
    assertWentBack(called, first);
    assert.equal(
      [failure?.reason, failure?.step, failure?.message],
      ['interrupted', 'start', `interrupted by ${name}`],
    );
    await assertSound(site, first, called);
    const again = await site.call('deploy');
    assert.equal(
      [again.code, again.document.active],
      [0, second],
      'a person who interrupts says nothing about the build',
    );
  });
}

test('S4, S5: SIGINT while the old build takes its time to stop: it is back', async (t) => {
  const site = await slowToStop(t);
  const run = await startDeploy(site);
  await untilStopping(site);
  run.child.kill('SIGINT');
  await endStop(site);
  const called = await run.end();
  const { failure } = called.document;
  assertWentBack(called, first);
  assert.equal([failure?.reason, failure?.step], ['interrupted', 'stop']);
  await assertSound(site, first, called);
});

test('S4, S8: the administrator stops the scope in the middle of a run: it is taken back', async (t) => {
  const { site, run } = await heldDeploy(t);
  await site.sandbox.run('systemctl', 'stop', `cutover-${site.app}-production.scope`);
  const called = await run.end();
  const { failure } = called.document;
  assertWentBack(called, first);
  assert.is(failure?.message, 'interrupted by SIGTERM');
  await assertSound(site, first, called);
});

test('S4: SIGINT twice does not cut off the way back', async (t) => {
  const { site, run } = await heldDeploy(t);
  run.child.kill('SIGINT');
  await until('it goes back, or is over', async () => {
    const written = await ledger(site);
    return written === '' || written.includes('"reverting"');
  });
  run.child.kill('SIGINT');
  run.child.kill('SIGTERM');
  const called = await run.end();
  assertWentBack(called, first);
  await assertSound(site, first, called);
});

test('SIGINT before anything was changed: exit 130', async (t) => {
  const site = await makeSite(t, { ...held, tables: { ...held.tables, health: ['timeout = "60s"'] } });
  const before = await whoServes(site);
  // The checks wait for the service's answer while it stands still.
  await site.sandbox.run('kill', '-STOP', String(before?.pid));
  const run = await startDeploy(site);
  await until('it holds the target', async () => (await lockText(site)).includes(`"pid":${run.pidInside()},`));
  run.child.kill('SIGINT');
  await site.sandbox.run('kill', '-CONT', String(before?.pid));
  const { code, document, stderr } = (await run.end()) as unknown as Called<Refusal>;
  assert.equal([code, document.exit_code, document.error?.code], [130, 130, 'interrupted'], stderr);
  assert.equal(await whoServes(site), before);
  await assertSound(site, first);
});

test('SIGINT while it waits for another run: exit 130, and the other is not disturbed', async (t) => {
  const { site, run } = await heldDeploy(t);
  const queued = await startDeploy(site, '--wait=30s');
  await queued.hasSaid('waiting: another run holds the target');
  queued.child.kill('SIGINT');
  assert.is((await queued.end()).code, 130);
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second]);
  await assertSound(site, second, called);
});

test('the terminal goes (SIGHUP): the run goes on', async (t) => {
  const { site, run } = await heldDeploy(t);
  run.child.kill('SIGHUP');
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S10: nobody reads what it prints: the run goes on, and its log is complete', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'slow_start', startMs: 1000 }] });
  await untilNextSecond();
  const child = await site.sandbox.startCutover(['deploy', 'production', '--config', site.config]);
  child.stdout.destroy();
  child.stderr.destroy();
  assert.equal(await child.ended, { code: 0, signal: null });
  const { document } = await site.call('report');
  assert.equal([document.outcome, document.active], ['deployed', second]);
  const log = await readFile(
    site.sandbox.hostPath(`${site.logs}/deployment-${site.unit}-${document.run?.slice(0, 15)}.log`),
    'utf8',
  );
  for (const { name } of document.steps) assert.match(log, ` ✓ ${name} `);
  assert.match(log, `production serves ${second}, proven healthy`);
  await assertSound(site, second);
});
