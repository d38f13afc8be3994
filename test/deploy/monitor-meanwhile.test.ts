// needs: sandbox
import * as assert from 'uvu/assert';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import { suite } from '../suite.ts';
import { buildId, makeSite, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/monitor meanwhile', { timeoutMs: 180_000 });
const [first, second] = [buildId(1), buildId(2)];

test('S10: a build that was deployed while a pass looked is not left for what was seen before', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}], isDeployed: false });
  const [began, go] = [`${site.folder}/began`, `${site.folder}/go`];
  const line = `touch ${began}; until test -e ${go}; do sleep 0.05; done`;
  const checks = `checks = [{ name = "waits", kind = "command", run = "${line}", timeout = "1min", when = ["monitor"] }]`;
  const rules = 'monitor = { every = "1ms", failures = 1, action = "rollback", bake = "1h" }';
  await site.configure({ keys: [rules, checks] });
  for (const id of [first, second]) await site.call('deploy', [id]);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const looking = site.call<MonitorReport>('monitor');
  await until('it looks', async () => (await site.sandbox.exec(['test', '-e', began])).code === 0);
  const fix = await site.call('deploy', [buildId(3), '--fix-forward']);
  assert.is(fix.code, 0, fix.stderr);
  await site.sandbox.run('touch', go);
  const { code, document } = await looking;
  assert.equal([code, document.passed_over, document.actions], [0, `run ${fix.document.run} ended meanwhile`, []]);
  await assertSound(site, buildId(3));
  assert.equal((await site.call<MonitorReport>('monitor')).document.findings, []);
});
