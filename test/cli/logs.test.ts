// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { BuildRow } from '../../lib/deployer/builds.ts';
import { leaveBehind, heldSite } from '../deploy/running.ts';
import { buildId, calledFrom, executable, makeSite, type Refusal } from '../deploy/site.ts';
import { assertSound } from '../deploy/sound.ts';
import { suite } from '../suite.ts';

const test = suite('cli/logs');
const [first, second] = [buildId(1), buildId(2)];

test('S10: two runs of one second have a log each, and logs finds it', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { run: one } = (await site.call('report')).document;
  const log = (stamp: string): string => `${site.logs}/deployment-${site.unit}-${stamp}.log`;
  const told = (await site.tell('logs')).stdout;
  // The first run has the log of every second in which the next one may begin.
  const own = await readFile(site.sandbox.hostPath(log(one?.slice(0, 15) ?? '')));
  const from = Date.now();
  for (let ahead = 0; ahead < 60; ahead += 1)
    await writeFile(site.sandbox.hostPath(log(stampOf(from + ahead * 1000))), own);
  const called = await site.call('deploy', [second]);
  const two = called.document.run ?? '';
  const { path } = (await site.call<{ path: string }>('logs', [two])).document;
  assert.is(path, log(`${two.slice(0, 15)}-2`));
  const [logOne, logTwo] = [(await site.tell('logs', one ?? '')).stdout, (await site.tell('logs', two)).stdout];
  assert.is(logOne, told);
  assert.match(logTwo, `deploy ${first} -> ${second}`);
  assert.is((await site.tell('logs')).stdout, logTwo);
  await assertSound(site, second, called);
});

test('S10: logs that somebody may not read are told as such, with what to type', async (t) => {
  const site = await makeSite(t);
  const { sandbox, app, config, logs } = site;
  await sandbox.run(
    'sh',
    '-ec',
    `chown -R daemon: /var/lib/cutover/${app}; chmod 755 /var/lib/cutover /var/log/cutover`,
  );
  t.cleanup(() => sandbox.run('chmod', '700', '/var/lib/cutover', '/var/log/cutover'));
  const asDaemon = ['setpriv', '--reuid=daemon', '--regid=daemon', '--clear-groups', process.execPath] as const;
  const ask = [...asDaemon, executable('cutover'), 'logs', '--json', '--config', config] as const;
  for (const [mode, path] of [
    ['700', logs],
    ['755', `${logs}/deployment-${site.unit}-`],
  ] as const) {
    await sandbox.run('sh', '-ec', `chmod ${mode} ${logs}; chmod 600 ${logs}/*`);
    const { code, document, stderr } = calledFrom<Refusal>(await sandbox.exec(ask));
    assert.equal([code, document.error?.code], [77, 'permission'], stderr);
    assert.match(document.error.message, `cannot read ${path}`);
    assert.match(document.error.mend, 'run as its owner, or with sudo');
  }
});

test('S10: a log that is gone is told as such, with what still tells of the run', async (t) => {
  const site = await makeSite(t);
  const { run } = (await site.call('report')).document;
  await site.sandbox.run('sh', '-c', `rm ${site.logs}/deployment-${site.unit}-*`);
  const { code, document, stderr } = await site.call<Refusal>('logs', [run ?? '']);
  assert.equal([code, document.error?.code], [1, 'refused'], stderr);
  assert.match(document.error.message, new RegExp(`^there is no ${site.logs}/deployment-.*\\.log any more$`));
  assert.match(document.error.mend, `cutover report production ${run}`);
});

test('S10: a deploy that was refused has a log under its id, and report says where', async (t) => {
  const site = await makeSite(t, { tables: { limits: ['memory_available = "900000G"'] }, isDeployed: false });
  const { code, document } = await site.call('deploy');
  const run = document.run ?? '';
  assert.equal([code, document.outcome, run === ''], [1, 'refused', false]);
  const log = await site.call<{ run: string; path: string }>('logs', [run]);
  assert.equal([log.code, log.document.run], [0, run], log.stderr);
  assert.match((await site.tell('logs', run)).stdout, 'production was not touched');
  const report = await site.call<Refusal>('report', [run]);
  assert.equal([report.code, report.document.error?.code], [64, 'usage'], report.stderr);
  assert.match(report.document.error.message, `run ${run} left a log and no report`);
  assert.is(report.document.error.mend, `cutover logs production ${run}`);
  const none = await site.call<Refusal>('logs', ['20200101-000000-0000']);
  assert.equal([none.code, none.document.error?.message], [64, 'there is no run 20200101-000000-0000']);
});

test('builds are listed for who may not look into each of them', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, app, config, builds } = site;
  await sandbox.run(
    'sh',
    '-ec',
    `chown -R daemon: /var/lib/cutover/${app}; chmod 755 /var/lib/cutover; mkdir -m 700 ${builds}/${second}/cache`,
  );
  t.cleanup(() => sandbox.run('chmod', '700', '/var/lib/cutover'));
  const asDaemon = ['setpriv', '--reuid=daemon', '--regid=daemon', '--clear-groups', process.execPath] as const;
  const list = [...asDaemon, executable('cutover'), 'builds', '--config', config] as const;
  const { code, document, stderr } = calledFrom<{ builds: BuildRow[] }>(await sandbox.exec([...list, '--json']));
  assert.is(code, 0, stderr);
  const [newer, older] = document.builds;
  assert.equal([newer?.id, newer?.size_bytes, older?.id, (older?.size_bytes ?? 0) > 0], [second, null, first, true]);
  assert.match((await sandbox.exec(list)).stdout, new RegExp(`${second} .* -$`, 'm'));
});

/** A second as the ids of runs have it. */
function stampOf(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}

test('S8, S10: a deploy that ends a cut-off run first has its own log', async (t) => {
  const site = await heldSite(t);
  await leaveBehind(site);
  const cutOff = (await site.call('report')).document.run ?? '';
  const called = await site.call('deploy');
  const [before, own] = [await site.tell('logs', cutOff), await site.tell('logs', called.document.run ?? '')];
  assert.match(before.stdout, `run ${cutOff} was cut off and is ended now`);
  assert.match(own.stdout, `production serves ${second}, proven healthy`);
  assert.not.match(before.stdout, `production serves ${second}`);
  await assertSound(site, second, called);
});
