// needs: sandbox
import { rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { assertWentBack, endSlowStop, leaveBehind, ledger, slowStop, startDeploy, untilStopping } from './running.ts';
import { buildId, makeSite, until } from './site.ts';
import { assertNothingLeft, whoServes } from './sound.ts';

const test = suite('deploy/back from a stop');
const first = buildId(1);

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

test('S8: a service that is up again, and of which systemd knows no main process, goes on when the run is ended', async (t) => {
  const shell = `ExecStart=/bin/bash -c '${process.execPath} app.mjs &'`;
  const service = [
    ...slowStop.service,
    'KillMode=control-group',
    'Type=forking',
    'GuessMainPID=no',
    'ExecStart=',
    shell,
  ];
  const site = await makeSite(t, { ...slowStop, service });
  endSlowStop(t, site);
  const { sandbox, unit } = site;
  await leaveBehind(site, 'stop', 'deploy', () => untilStopping(site));
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
  await until('it is down', async () => (await sandbox.exec(['systemctl', 'is-active', unit])).code !== 0);
  await sandbox.run('systemctl', 'start', unit);
  await until('it serves again', async () => (await whoServes(site)) !== null);
  const before = await whoServes(site);
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.active], [0, first], settled.stderr);
  assert.equal(await whoServes(site), before, 'the same process');
  await assertNothingLeft(site);
});
