import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import type { Place } from '../../lib/deployer/place.ts';
import type { StatePaths } from '../../lib/run/state.ts';
import { monitor } from '../../lib/triggers/monitor.ts';
import { type MonitorState, writeState } from '../../lib/triggers/monitor/state.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { inputsOf, makeState } from '../run/samples.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('triggers/monitor-partly');
const turn = { busy: null, hung: null };
const rules = { everyMs: 0, failures: 2, action: 'alert', bakeMs: 0 };

/** A target whose builds no system call can look at, as on a disk that is dying. */
async function unreadable(t: TestContext, changed: Partial<Place> = {}): Promise<{ place: Place; paths: StatePaths }> {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  const builds = join(await makeDirectory(t), 'x'.repeat(300));
  const { target } = inputsOf('20260203-151120-4f2a');
  const config = { app: 'shop', manager: 'system' };
  const { signal } = openController();
  const place = { paths, config, target: { ...target, builds, monitor: rules }, signal, emit: () => {}, ...changed };
  return { place: place as unknown as Place, paths };
}

test('S10: a pass that comes to nothing is counted and told, and what it did not see stays as it was', async (t) => {
  const { place, paths } = await unreadable(t);
  const at = '2026-02-03T15:00:00.000Z';
  const before: MonitorState = {
    version: 1,
    at,
    restarts: 4,
    problems: { service: { since: at, passes: 3, acted: 1 }, disk: { since: at, passes: 1, acted: 0 } },
    alerts: { service: { severity: 'warning', since: at, message: 'down' } },
  };
  await writeState(paths, before);
  const told: unknown[] = [];
  for (let times = 0; times < 3; times += 1) {
    const { report, remember } = await monitor(place, { turn });
    assert.match(report.findings[0]?.message ?? '', 'ENAMETOOLONG');
    told.push([report.exit_code, report.findings.map(({ key, passes }) => `${key} ${passes}`), report.alerts]);
    await remember([]);
  }
  const state = JSON.parse(await readFile(join(paths.directory, 'monitor.json'), 'utf8')) as MonitorState;
  const { pass: counted, ...others } = state.problems;
  const { pass: open, ...alerts } = state.alerts;
  assert.equal([others, alerts, state.restarts], [before.problems, before.alerts, 4]);
  assert.is(counted?.passes, 3);
  assert.equal(told, [
    [3, ['pass 1'], []],
    [3, ['pass 2'], [{ key: 'pass', ...open, state: 'raised' }]],
    [3, ['pass 3'], []],
  ]);
});

test('S10: what a person has to mend first, or broke off, is no finding of a pass', async (t) => {
  const ended = openController();
  ended.abort(new CutoverError('interrupted', 'interrupted'));
  const { place, paths } = await unreadable(t, { signal: ended.signal });
  assert.is((await rejection(monitor(place, { turn }))).code, 'interrupted');
  assert.is((await rejection(readFile(join(paths.directory, 'monitor.json')))).code, 'ENOENT');
});
