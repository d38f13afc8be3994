// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/alongside', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

interface Worker {
  unit?: string[];
  service?: string[];
  isStarted?: boolean;
}

/** Writes a unit that is bound to the site's in some way, and starts it. @returns its name */
async function addWorker({ sandbox, app }: Site, name: string, { unit = [], service = [], isStarted = true }: Worker) {
  const own = `${app}-${name}.service`;
  const lines = ['[Unit]', ...unit, '[Service]', 'ExecStart=/bin/sleep infinity', ...service, ''];
  await writeFile(sandbox.hostPath(`/etc/systemd/system/${own}`), lines.join('\n'));
  await sandbox.run('systemctl', 'daemon-reload');
  if (isStarted) await sandbox.run('systemctl', 'start', own);
  return own;
}

async function stateOf({ sandbox }: Site, unit: string): Promise<string> {
  return (await sandbox.exec(['systemctl', 'is-active', unit])).stdout.trim();
}

for (const bond of ['Requires', 'BindsTo', 'PartOf']) {
  test(`S2, S4, S8: what has ${bond}= of the unit runs again after a deploy, a way back and a rollback`, async (t) => {
    const site = await makeSite(t, { builds: [{}, {}] });
    const { unit, sandbox } = site;
    const worker = await addWorker(site, 'worker', { unit: [`${bond}=${unit}`, `After=${unit}`] });
    const beside = await addWorker(site, 'beside', { unit: [`PartOf=${worker}`] });
    const idle = await addWorker(site, 'idle', { unit: [`PartOf=${unit}`], isStarted: false });
    const invocation = (): Promise<string> =>
      sandbox.run('systemctl', 'show', '--property=InvocationID', '--value', worker);
    const before = await invocation();
    const good = await site.call('deploy');
    assert.is(good.code, 0, good.stderr);
    assert.not.equal(await invocation(), before, 'it was never stopped, so nothing is proven');
    assert.equal([await stateOf(site, worker), await stateOf(site, beside)], ['active', 'active']);
    const bad = await site.add({ mode: 'status' });
    const failed = await site.call('deploy', [bad]);
    assert.equal([failed.code, failed.document.active], [4, second], failed.stderr);
    assert.equal([await stateOf(site, worker), await stateOf(site, beside)], ['active', 'active']);
    const back = await site.call('rollback');
    assert.equal([back.code, back.document.active], [0, first], back.stderr);
    assert.equal([await stateOf(site, worker), await stateOf(site, beside)], ['active', 'active']);
    assert.is(await stateOf(site, idle), 'inactive', 'what did not run is not started');
    await assertSound(site, first);
  });
}

test('S2: what does not start again is told of, with the command to type, and the deploy stands', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { unit, sandbox, app } = site;
  const service = [`ExecStartPre=/usr/bin/test ! -e /run/${app}-broken`];
  const worker = await addWorker(site, 'worker', { unit: [`PartOf=${unit}`], service });
  await sandbox.run('touch', `/run/${app}-broken`);
  const { code, stdout } = await site.tell('deploy');
  assert.is(code, 0, stdout);
  assert.match(
    stdout,
    `${worker}, which was stopped with ${unit}, has not started again: failed -> systemctl start ${worker}`,
  );
  await assertSound(site, second);
});

test('S4: a unit that serves is not killed for the sake of others that take long to stop', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], tables: { stop: ['timeout = "2s"'] } });
  const { unit, sandbox } = site;
  const over = `/run/${site.app}-over`;
  const service = [`ExecStop=/bin/sh -c 'until test -e ${over}; do sleep 0.05; done'`, 'TimeoutStopSec=120s'];
  const worker = await addWorker(site, 'worker', { unit: [`PartOf=${unit}`, `After=${unit}`], service });
  t.cleanup(() => sandbox.run('touch', over));
  const pid = await sandbox.run('systemctl', 'show', '--property=MainPID', '--value', unit);
  const { code, document, stderr } = await site.call('deploy');
  assert.equal([code, document.failure?.step, document.failure?.reason], [4, 'stop', 'timeout'], stderr);
  assert.match(document.failure?.message ?? '', 'systemd stops others before it');
  assert.is(await sandbox.run('systemctl', 'show', '--property=MainPID', '--value', unit), pid, 'it was killed');
  await sandbox.run('touch', over);
  await until('the worker is over it', async () => (await stateOf(site, worker)) !== 'deactivating');
  await assertSound(site, first);
});
