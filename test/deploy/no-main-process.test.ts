// needs: sandbox
import * as assert from 'uvu/assert';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import { suite } from '../suite.ts';
import { buildId, makeSite, until } from './site.ts';
import { whoServes } from './sound.ts';

const test = suite('deploy/no-main-process', { timeoutMs: 120_000 });

test('S3, S10, S11: a service of which systemd knows no main process is up for the gate, and for whoever looks later', async (t) => {
  const shell = `ExecStart=/bin/bash -c '${process.execPath} app.mjs &'`;
  const service = ['Type=forking', 'GuessMainPID=no', 'Restart=no', 'ExecStart=', shell];
  const site = await makeSite(t, { service, builds: [{}, {}], keys: ['monitor = { every = "1ms", failures = 1 }'] });
  const deployed = await site.call('deploy', [buildId(2)]);
  assert.is(deployed.code, 0, deployed.stderr);
  assert.is((await whoServes(site))?.build, buildId(2));
  const { document } = await site.call<{ targets: TargetStatus[] }>('status');
  const [target] = document.targets;
  assert.equal([target?.healthy, target?.serving, target?.main_pid], [true, buildId(2), null]);
  assert.equal((await site.call<MonitorReport>('monitor')).document.findings, []);
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  await until('nobody listens', async () => (await whoServes(site)) === null);
  const [down] = (await site.call<{ targets: TargetStatus[] }>('status')).document.targets;
  assert.is(down?.healthy, false);
});
