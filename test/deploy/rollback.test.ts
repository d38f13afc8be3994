// needs: sandbox
import { rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { leaveBehind, letGo } from './running.ts';
import {
  breakBuild,
  breakInService,
  buildId,
  calledFrom,
  makeSite,
  pointCurrent,
  type Refusal,
  type Site,
  until,
} from './site.ts';
import { makeSocketSite } from './socket-site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/rollback');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

test('S8: back to the previous build', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  await site.call('deploy');
  const called = await site.call('rollback');
  const { kind, outcome, from, to, active } = called.document;
  assert.equal(
    [called.code, kind, outcome, from, to, active],
    [0, 'rollback', 'deployed', third, first, first],
    called.stderr,
  );
  await assertSound(site, first, called);
});

test('S8: back to a named build', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  await site.call('deploy');
  const called = await site.call('rollback', [second]);
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S8: where there is one target, the build alone says enough', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  await site.call('deploy');
  const { sandbox, config } = site;
  for (const [number, word] of [second, first.slice('dist.'.length), `${site.builds}/${second}`].entries()) {
    const { code, document, stderr } = calledFrom(
      await sandbox.cutover(['rollback', word, '--config', config, '--json']),
    );
    assert.equal([code, document.active], [0, number === 1 ? first : second], stderr);
    const about = await sandbox.cutover(['report', document.run ?? '', '--config', config, '--json']);
    assert.is(calledFrom(about).document.run, document.run);
  }
  await assertSound(site, second);
});

test('S8: from start-limit-hit', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  await breakInService(site, second);
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [1, 'refused']);
  const failed = refused.document.checks.filter(({ status }) => status === 'fail').map(({ name }) => name);
  assert.equal(failed, ['unit', 'restart_limit', 'health']);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  await assertSound(site, first, called);
});

test('S8: with the state directory deleted, by the builds alone', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  await site.call('deploy');
  await rm(site.sandbox.hostPath(`/var/lib/cutover/${site.app}`), { recursive: true });
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.to, called.document.active], [0, second, second], called.stderr);
  await assertSound(site, second, called);
});

test('S8: with nothing to go back to, nothing is touched', async (t) => {
  const site = await makeSite(t);
  const called = await site.call<{ error: { code: string; message: string; mend: string }; exit_code: number }>(
    'rollback',
  );
  assert.equal([called.code, called.document.exit_code, called.document.error?.code], [2, 2, 'no_build']);
  assert.match(called.document.error.message, `there is no build to go back to: ${first} is the only good one`);
  await assertSound(site, first);
});

test('S8: to a bad build, from a healthy one: the healthy one comes back', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  const called = await site.call('rollback', [second]);
  const { outcome, active, failure } = called.document;
  assert.equal([called.code, outcome, active, failure?.reason], [4, 'rolled_back', first, 'exited']);
  await assertSound(site, first, called);
});

test('S8: to a bad build, from one that is broken itself: exit 3, and says what to type', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  await breakInService(site, second);
  await breakBuild(site, first);
  const called = await site.call('rollback');
  const { outcome, exit_code, failure } = called.document;
  assert.equal([called.code, exit_code, outcome], [3, 3, 'failed']);
  assert.match(failure?.message ?? '', /exited with status 1/);
  assert.match(called.stderr, 'production IS NOT VERIFIED HEALTHY');
  for (const command of [`-> systemctl status ${site.unit}`, `-> journalctl -u ${site.unit} -n 50`])
    assert.match(called.stderr, command);
  const third = await site.add();
  const repaired = await site.call('deploy', ['--fix-forward']);
  assert.equal([repaired.code, repaired.document.active], [0, third], repaired.stderr);
  await assertSound(site, third, called, repaired);
});

test('S8: back to what served before the first deploy, although a newer build lies there that nobody tried', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }, {}], isDeployed: false });
  await pointCurrent(site, first);
  await site.sandbox.run('systemctl', 'start', site.unit);
  await until('it serves', async () => (await whoServes(site))?.build === first);
  assert.is((await site.call('deploy', [third])).code, 0);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  await assertSound(site, first, called);
});

for (const [what, lead] of [
  ['is missing', (site) => rm(site.sandbox.hostPath(`${site.builds}/current`))],
  ['leads to nothing', (site) => pointCurrent(site, buildId(9))],
  ['leads outside', (site) => pointCurrent(site, '/srv')],
] as const satisfies [string, (site: Site) => Promise<void>][]) {
  test(`S8: where current ${what}, a rollback goes away from what serves`, async (t) => {
    const site = await makeSite(t, { builds: [{}, {}] });
    await site.call('deploy');
    await lead(site);
    const called = await site.call('rollback');
    const { from, to, active } = called.document;
    assert.equal([called.code, from, to, active], [0, second, first, first], called.stderr);
    await assertSound(site, first, called);
  });
}

test('S8: where current is missing, a way back from a bad build puts the link right too', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  await rm(site.sandbox.hostPath(`${site.builds}/current`));
  const called = await site.call('rollback', [second]);
  const { outcome, from, active } = called.document;
  assert.equal([called.code, outcome, from, active], [4, 'rolled_back', first, first], called.stderr);
  await assertSound(site, first, called);
});

test('S8: a second rollback does not go forward to what the first one left, unless it is named', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  const { targets } = (await site.call<{ targets: { previous: string | null }[] }>('status')).document;
  assert.equal(
    targets.map(({ previous }) => previous),
    [null],
  );
  const refused = await site.call<Refusal>('rollback');
  assert.equal([refused.code, refused.document.error?.code], [2, 'no_build'], refused.stderr);
  assert.match(refused.document.error.message, `${second} was left by rollback ${back.document.run}`);
  assert.is(refused.document.error.mend, `cutover rollback production ${second}`);
  const named = await site.call('rollback', [second]);
  assert.equal([named.code, named.document.active], [0, second], named.stderr);
  await assertSound(site, second, back, named);
});

test('S8: a deploy that takes what a rollback left says so; proven again, it is gone back to', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  const back = await site.call('rollback');
  const again = await site.call('deploy');
  assert.equal([again.code, again.document.active], [0, second], again.stderr);
  assert.match(again.stderr, `note: ${second} is the newest build, and was left by rollback ${back.document.run}`);
  const third = await site.add();
  assert.is((await site.call('deploy')).document.active, third);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S8: killed on its way from a build that systemd starts again and again, it is finished, not taken back', async (t) => {
  const builds = [{ mode: 'held' }, { mode: 'crash_later', afterMs: 8_000 }] as const;
  const site = await makeSocketSite(t, { builds: [...builds], isDeployed: false });
  await letGo(site);
  for (const build of [first, second]) assert.is((await site.call('deploy', [build])).code, 0);
  const show = ['systemctl', 'show', '--property=NRestarts,SubState', '--value', site.unit] as const;
  await until('it was started again', async () => {
    const [restarts, state] = (await site.sandbox.run(...show)).split('\n');
    return Number(restarts) > 0 && state === 'running' && (await whoServes(site)) !== null;
  });
  await leaveBehind(site, 'restart', 'rollback');
  const settled = await site.call('settle');
  const { outcome, to, active, downtime_ms: downtimeMs } = settled.document;
  assert.equal([settled.code, outcome, to, active], [0, 'deployed', first, first], settled.stderr);
  assert.is((await whoServes(site))?.build, first);
  assert.is(downtimeMs, null, 'nobody measured between the death and the settle');
  assert.not.match(settled.stderr, 'never closed');
});
