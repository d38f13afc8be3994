// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type { RecoveryReport } from '../../../lib/report/recovery-report.ts';
import {
  breakBuild,
  buildId,
  type Called,
  calledFrom,
  makeSite,
  type Refusal,
  type Site,
  until,
} from '../../deploy/site.ts';
import { held, letGo } from '../../deploy/running.ts';
import { assertSound } from '../../deploy/sound.ts';
import type { TestSandbox } from '../../sandboxed.ts';
import { suite, type TestContext } from '../../suite.ts';
import { onlyOne } from '../recover/one-service.ts';
import { adopt, configurePlain, plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';
import { initKilledAt, moments } from './killing.ts';
import { change, everything, holdersOf, stateOf } from './strategy-site.ts';

const test = suite('deployer/init ended', { timeoutMs: 280_000 });
const [first, second] = [buildId(1), buildId(2)];

/** A change of strategy that was killed at its restart. */
async function cutOffSite(t: TestContext): Promise<Site> {
  const site = await makeSite(t, { builds: [{}, {}] });
  assert.is((await site.call('deploy')).code, 0);
  await initKilledAt(site.sandbox, [site.unit, '--strategy', 'socket', '--config', site.config], moments.atRestart);
  return site;
}

/** A command that goes on beside the test. */
async function started(sandbox: TestSandbox, words: string[]): Promise<Started> {
  const child = await sandbox.startCutover(words);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const stdout = text(child.stdout);
  const end = async (): ReturnType<Started['end']> => ({
    code: (await child.ended).code,
    stdout: await stdout,
    stderr: said,
  });
  return { said: () => said, end };
}

interface Started {
  said: () => string;
  end: () => Promise<{ code: number | null; stdout: string; stderr: string }>;
}

async function assertDownIsTold(ending: (site: Site) => Promise<Called<Refusal>>, t: TestContext): Promise<void> {
  const site = await cutOffSite(t);
  await breakBuild(site, second);
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  const { code, document, stderr } = await ending(site);
  assert.equal([code, document.error?.code], [3, 'failed'], stderr);
  assert.match(document.error?.message ?? '', 'had been cut off, and was taken back first; but ');
  assert.match(document.error?.mend ?? '', /journalctl .*cutover rollback .*production$/);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  await assertSound(site, first);
}

test('S8: settle takes a change back, and the service does not come up: that is no success', (t) =>
  assertDownIsTold((site) => site.call<Refusal>('settle'), t));

test('S8: the way back takes a change back, and the service does not come up: that is no success', (t) =>
  assertDownIsTold((site) => change<Refusal>(site, 'restart'), t));

test('S8: the same change again takes it back, and the service does not come up: that is told before anything else', (t) =>
  assertDownIsTold((site) => change<Refusal>(site, 'socket'), t));

test('S8: settle says what it did with a change that was cut off', async (t) => {
  const site = await cutOffSite(t);
  const cutOff = await everything(site);
  const { code, document, stderr } = await site.call('settle');
  assert.equal([code, document.outcome, document.run, document.active], [0, 'unchanged', null, second], stderr);
  const ended = `a change of ${site.unit} from strategy "restart" to "socket" had been cut off, and was taken back first`;
  assert.is(document.ended_first, ended);
  assert.not.equal(await everything(site), cutOff);
  const again = await site.call('settle');
  assert.equal([again.code, again.document.ended_first], [0, undefined]);
  await assertSound(site, second);
});

test('S8: a move is taken back, and the directory does not serve any more: that is no success', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  await initKilledAt(sandbox, [unit, '--adopt'], moments.beforeProof.adopt);
  await writeFile(sandbox.hostPath(`${source}/app.mjs`), 'process.exit(3);\n');
  const { code, kind, message, mend } = await refusedAdoption(site, '--undo');
  assert.equal([code, kind], [3, 'failed'], message);
  assert.match(message, 'had been cut off, and was taken back first; but ');
  assert.match(mend, `journalctl -u ${unit}`);
});

test('R1: a recovery that took a move back leaves the service alone that serves again', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  await configurePlain(site, ['[recovery]', 'attempts = 1']);
  await initKilledAt(sandbox, [unit, '--adopt'], moments.beforeProof.adopt);
  const build = (await sandbox.run('readlink', `${builds}/current`)).trim();
  await writeFile(sandbox.hostPath(`${builds}/${build}/app.mjs`), 'process.exit(3);\n');
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
  await until('nobody serves', async () => (await servedFrom(site)) === null);
  const called = calledFrom<RecoveryReport>(await sandbox.cutover(['recover', '--json']));
  assert.is(called.code, 0, called.stderr);
  const told = onlyOne(called.document);
  assert.equal([told.before.healthy, told.after.healthy, told.run], [false, true, null]);
  assert.match(told.actions.join('\n'), 'had been cut off, and was taken back first');
  assert.is(await servedFrom(site), source);
});

test('S8: a deploy that waited for a change of strategy goes by the new one', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], tables: held.tables });
  const { sandbox, unit, app, config } = site;
  await breakBuild(site, first, 'held');
  const changing = await started(sandbox, ['init', unit, '--strategy', 'socket', '--config', config]);
  await until('the socket is open', async () => (await stateOf(site, `${app}.socket`)) === 'active');
  const deploying = await started(sandbox, ['deploy', 'production', '--wait=5min', '--json', '--config', config]);
  await until('it waits', async () => deploying.said().includes('another run holds the target'));
  await letGo(site);
  assert.is((await changing.end()).code, 0, changing.said());
  const { code, document } = calledFrom(await deploying.end());
  assert.equal([code, document.strategy, document.active], [0, 'socket', second], deploying.said());
  assert.equal(await holdersOf(site), ['node', 'systemd']);
  await assertSound(site, second);
});

test('a way back out of the builds that was cut off, used for weeks: what was written there meanwhile is told', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  const { code, stderr } = await adopt(site, '--shared', 'data');
  assert.is(code, 0, stderr);
  await initKilledAt(sandbox, [unit, '--adopt', '--undo'], moments.beforeProof.undo);
  await until('it runs there', async () => (await servedFrom(site)) === source);
  const writing = 'mkdir -p uploads; echo a > uploads/a.txt; echo [] > users.json; echo 1 >> app.mjs; echo x > data/x';
  await sandbox.run('sh', '-ec', `cd ${source}; echo '//' > old.txt; ${writing}`);
  const settled = await sandbox.cutover(['settle', 'production', '--json']);
  assert.is(settled.code, 0, settled.stderr);
  const said = settled.stderr;
  const current = `${builds}/current`;
  assert.match(said, 'had been cut off, and was taken back first');
  assert.match(said, `what ${unit} wrote meanwhile lies in ${source}`);
  assert.match(said, `${source}/uploads is not in ${current} -> cp -a ${source}/uploads ${current}/`);
  assert.match(said, `${source}/users.json is not in ${current} -> cp -a ${source}/users.json ${current}/`);
  assert.match(said, `${source}/app.mjs is not the same as ${current}/app.mjs -> diff`);
  assert.match(said, `then: diff -r ${current} ${source}`);
  assert.not.match(said, 'data/x');
  assert.match((await servedFrom(site)) ?? '', `${builds}/dist.`);
  assert.is(await sandbox.run('cat', `${source}/uploads/a.txt`), 'a');
});

test('a way back that could not be gone to its end is gone on with, and the move is not begun anew', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  // Where it starts in a build, it does not come up, and its lines cannot be taken away any more.
  const folder = `/etc/systemd/system/${unit}.d`;
  const readOnly = `mountpoint -q ${folder} || { mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}; }`;
  const script = `case $(pwd -P) in *-builds/*) ${readOnly}; exit 1;; esac\n`;
  await writeFile(sandbox.hostPath('/srv/plain/at-start.sh'), script);
  await sandbox.run('mkdir', '-p', folder);
  const lines = '[Service]\nRestart=no\nExecStartPre=+/bin/sh /srv/plain/at-start.sh\n';
  await writeFile(sandbox.hostPath(`${folder}/own.conf`), lines);
  await sandbox.run('systemctl', 'daemon-reload');
  t.cleanup(() => sandbox.exec(['umount', folder]));
  const { code, message, mend } = await refusedAdoption(site);
  assert.is(code, 3, message);
  assert.match(message, '; and the way back failed: ');
  assert.match(mend, new RegExp(`then go on with the way back: cutover init ${unit} --adopt --undo$`));
  await sandbox.run('umount', folder);
  // Nobody listens who would tell the port.
  const undone = await adopt(site, '--undo', '--port', String(site.port));
  assert.equal([undone.code, undone.document.adopted], [0, null], undone.stderr);
  assert.is(await servedFrom(site), source);
});

test('S8: a rollback that takes a move back is done where the service serves again, and no build is gone to', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  await configurePlain(site);
  await initKilledAt(sandbox, [unit, '--adopt'], moments.beforeProof.adopt);
  // One that somebody brought in meanwhile: no unit runs it.
  await sandbox.run('cp', '-a', source, `${builds}/dist.20201231-000000`);
  const rolled = calledFrom(await sandbox.cutover(['rollback', '--json']));
  const { outcome, active, to } = rolled.document;
  assert.equal([rolled.code, outcome, active, to], [0, 'unchanged', null, null], rolled.stderr);
  assert.match(rolled.document.ended_first ?? '', 'had been cut off, and was taken back first');
  assert.is(await servedFrom(site), source);
  const again = calledFrom<Refusal>(
    await sandbox.cutover(['rollback', 'production', 'dist.20191231-000000', '--json']),
  );
  assert.is(again.code, 2, again.stderr);
});

test('S8: a rollback that ended a change, and then has no build to go to, says both', async (t) => {
  const site = await makeSite(t);
  const { sandbox, unit, config } = site;
  await initKilledAt(sandbox, [unit, '--strategy', 'socket', '--config', config], moments.atRestart);
  const { code, document, stderr } = await site.call<Refusal>('rollback');
  assert.equal([code, document.error?.code], [2, 'no_build'], stderr);
  const said = `had been cut off, and was taken back first; then no build was gone back to: there is no build to go back to`;
  assert.match(document.error?.message ?? '', said);
  await assertSound(site, first);
});
