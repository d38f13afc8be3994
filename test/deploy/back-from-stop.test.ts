// needs: sandbox
import { rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { assertWentBack, endSlowStop, leaveBehind, ledger, slowStop, startDeploy, untilStopping } from './running.ts';
import { buildId, makeSite, pointCurrent, type Site, until } from './site.ts';
import { assertNothingLeft, whoServes } from './sound.ts';

const test = suite('deploy/back from a stop');
const [first, second] = [buildId(1), buildId(2)];

test('S4: an interruption while the main process takes its time to end: its children are ended before it is started again', async (t) => {
  // A stop tells the shell alone, which ends once the file is gone.
  const drain = 'trap "while test -e drains; do sleep 0.02; done; exit 0" TERM';
  const shell = `ExecStart=/bin/bash -c '${drain}; ${process.execPath} app.mjs & wait'`;
  const service = ['ExecStart=', shell, 'KillMode=process', 'TimeoutStopSec=60s'];
  const site = await makeSite(t, { builds: [{}, {}], service });
  const drains = site.sandbox.hostPath(`${site.builds}/${first}/drains`);
  await writeFile(drains, '');
  const run = await startDeploy(site);
  await untilStopping(site);
  const before = await whoServes(site);
  run.child.kill('SIGINT');
  await until('it goes back', async () => (await ledger(site)).includes('"reverting"'));
  await rm(drains);
  const called = await run.end();
  assertWentBack(called, first);
  const after = await whoServes(site);
  assert.equal([after?.build, after?.pid === before?.pid], [first, false], 'it is the one that was started again');
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  await assertNothingLeft(site);
});

/** systemd knows no main process of it. */
async function forkingSite(t: TestContext): Promise<Site> {
  const shell = `ExecStart=/bin/bash -c '${process.execPath} app.mjs &'`;
  const forking = ['KillMode=control-group', 'Type=forking', 'GuessMainPID=no', 'ExecStart=', shell];
  const site = await makeSite(t, { ...slowStop, service: [...slowStop.service, ...forking] });
  endSlowStop(t, site);
  return site;
}

/** The deployer dies while the old build is told to stop, and somebody starts the unit once it is down. */
async function startByHand(site: Site, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  const { sandbox, unit } = site;
  await leaveBehind(site, 'stop', 'deploy', () => untilStopping(site));
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
  await until('it is down', async () => (await sandbox.exec(['systemctl', 'is-active', unit])).code !== 0);
  await meanwhile();
  await sandbox.run('systemctl', 'start', unit);
  await until('it serves again', async () => (await whoServes(site)) !== null);
}

test('S8: a service that is up again, and of which systemd knows no main process, goes on when the run is ended', async (t) => {
  const site = await forkingSite(t);
  await startByHand(site);
  const before = await whoServes(site);
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.active], [0, first], settled.stderr);
  assert.equal(await whoServes(site), before, 'the same process');
  await assertNothingLeft(site);
});

test('S8: the same from the build that was to be left behind: it is started from the build before', async (t) => {
  const site = await forkingSite(t);
  await startByHand(site, () => pointCurrent(site, second));
  assert.is((await whoServes(site))?.build, second);
  await pointCurrent(site, first);
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.active], [0, first], settled.stderr);
  assert.is((await whoServes(site))?.build, first);
  await assertNothingLeft(site);
});
