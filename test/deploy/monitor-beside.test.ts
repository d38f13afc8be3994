// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import type { MonitorState } from '../../lib/triggers/monitor/state.ts';
import { suite } from '../suite.ts';
import { heldDeploy } from './running.ts';
import { buildId, type Site } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/monitor-beside', { timeoutMs: 180_000 });
const minute = 60_000;

/** Changes one of the files in which the target's state is kept. */
async function change<T extends object>({ sandbox, state }: Site, name: string, how: (before: T) => T): Promise<void> {
  const path = sandbox.hostPath(`${state}/${name}`);
  await writeFile(path, JSON.stringify(how(JSON.parse(await readFile(path, 'utf8')) as T)));
}

test('S10, R5: a service that is down under a run that hangs is told of, and nothing is done', async (t) => {
  const { site, run } = await heldDeploy(t);
  await site.configure({ keys: ['monitor = { every = "1ms", failures = 1, action = "restart" }'] });
  const pass = async (): Promise<MonitorReport> => (await site.call<MonitorReport>('monitor')).document;
  const began = async (agoMs: number): Promise<string> => {
    const since = new Date(Date.now() - agoMs).toISOString();
    await change<{ since: string }>(site, 'in-flight', (mark) => ({ ...mark, since }));
    return since;
  };
  for (const agoMs of [14 * minute, -60 * minute]) {
    await began(agoMs);
    const { passed_over, findings } = await pass();
    assert.match(passed_over ?? '', /^run .* is at work \(pid \d+\)$/);
    assert.equal(findings, []);
  }
  const since = await began(16 * minute);
  const one = await pass();
  assert.equal([one.exit_code, one.passed_over, one.failures_in_row, one.actions], [3, null, 1, []]);
  assert.match(one.findings[0]?.message ?? '', new RegExp(`; run .* has been at work since ${since}$`));
  assert.equal(
    one.alerts.map(({ key }) => key),
    ['service'],
  );
  await change<MonitorState>(site, 'monitor.json', ({ problems: { service }, ...state }) => {
    assert.ok(service);
    return { ...state, problems: { service: { ...service, since } } };
  });
  const two = await pass();
  assert.equal(
    two.alerts.map(({ key, severity }) => [key, severity]),
    [['down', 'critical']],
  );
  assert.is((await run.end()).code, 0, 'it was not disturbed');
  const after = await pass();
  assert.equal(
    [after.exit_code, after.findings, after.alerts.map(({ key, state }) => `${key} ${state}`).toSorted()],
    [0, [], ['down cleared', 'service cleared']],
  );
  await assertSound(site, buildId(2));
});
