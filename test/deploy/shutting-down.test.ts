// needs: sandbox
import { rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { ledger, neverWell, startDeploy, untilSettled, unwell } from './running.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/shutting down');
const first = buildId(1);

/** As a shutdown does, it has systemd stop the unit and refuse every start of it, until the test lets it end. */
async function shutDown(t: TestContext, site: Site): Promise<() => Promise<void>> {
  const { sandbox, unit, app } = site;
  const [name, go] = [`down-${app}.service`, `/run/${app}.go`];
  const file = sandbox.hostPath(`/etc/systemd/system/${name}`);
  const waits = `ExecStart=/bin/bash -c 'until test -e ${go}; do sleep 0.02; done'`;
  await writeFile(file, `[Unit]\nConflicts=${unit}\n[Service]\nType=oneshot\n${waits}\n`);
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'kill', '--signal=KILL', name]);
    await sandbox.exec(['rm', '-f', go]);
    await rm(file, { force: true });
  });
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', '--no-block', '--job-mode=replace-irreversibly', name);
  return async () => void (await sandbox.run('touch', go));
}

test('S8: a shutdown while the build before is proven again is no end of the run', async (t) => {
  const site = await makeSite(t, { ...neverWell, builds: [{}, { mode: 'crash' }] });
  const behaviour = site.sandbox.hostPath(`${site.builds}/${first}/behaviour.json`);
  await writeFile(behaviour, JSON.stringify(unwell));
  const run = await startDeploy(site);
  await until('the build before is back', async () =>
    (await ledger(site)).includes('"name":"stop","state":"reverted"'),
  );
  const end = await shutDown(t, site);
  const { code } = await run.child.ended;
  await writeFile(behaviour, '{}');
  assert.is(code, 3);
  assert.match(await ledger(site), '"type":"begin"', 'it is in flight');
  await end();
  await untilSettled(site);
  const { outcome, active } = (await site.call('report')).document;
  assert.equal([outcome, active], ['rolled_back', first]);
  await assertSound(site, first);
});
