// needs: sandbox
import * as assert from 'uvu/assert';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import { suite } from '../suite.ts';
import { buildId, type Called, makeSite, type Site, until } from './site.ts';
import { whoServes } from './sound.ts';

const test = suite('deploy/monitor unseen', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

const pass = (site: Site): Promise<Called<MonitorReport>> => site.call<MonitorReport>('monitor');

function toldIn({ document }: Called<MonitorReport>): [string, string][] {
  return document.alerts.map(({ key, state }) => [key, state]);
}

test('R5: what could not be looked at is not over: which build serves, while the service is down', async (t) => {
  const site = await makeSite(t, {
    builds: [{}, {}],
    isDeployed: false,
    keys: ['monitor = { every = "1ms", failures = 1, action = "alert", bake = "0s" }'],
  });
  const { sandbox, unit, builds } = site;
  await site.call('deploy', [first]);
  await sandbox.run('ln', '-sfn', second, `${builds}/current`);
  const moved = await pass(site);
  assert.equal(toldIn(moved), [['identity', 'raised']], moved.stderr);
  await sandbox.run('systemctl', 'stop', unit);
  assert.equal(toldIn(await pass(site)), [['service', 'raised']]);
  await sandbox.run('systemctl', 'start', unit);
  await until('it serves', async () => (await whoServes(site))?.build === second);
  const cleared = toldIn(await pass(site)).toSorted(([a], [b]) => a.localeCompare(b));
  assert.equal(cleared, [
    ['identity', 'cleared'],
    ['service', 'cleared'],
  ]);
});
