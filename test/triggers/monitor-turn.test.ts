import { spawnSync } from 'node:child_process';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { lockDescriptor } from '../../lib/base/flock.ts';
import { openController } from '../../lib/base/wait.ts';
import type { Place } from '../../lib/deployer/place.ts';
import { monitor } from '../../lib/triggers/monitor.ts';
import { passMs, takeTurn } from '../../lib/triggers/monitor/turn.ts';
import { makeDirectory } from '../builds/directory.ts';
import { inputsOf, makeState, newer } from '../run/samples.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('triggers/monitor-turn');
const { signal } = openController();
const minute = 60_000;
const bounds = { longestMs: 10 * minute, signal };

/** Another process has the turn, since that moment. */
async function leaveHolder(t: TestContext, directory: string, sinceMs: number, pid = process.pid): Promise<void> {
  await mkdir(directory, { recursive: true });
  const file = await open(join(directory, 'monitor.lock'), 'w+');
  t.cleanup(() => file.close());
  assert.ok(await lockDescriptor(file.fd, { waitMs: 0 }));
  await file.write(`${JSON.stringify({ pid, since: new Date(sinceMs).toISOString() })}\n`);
}

test('R5: of two passes at once one has the turn, and the next one when it is over', async (t) => {
  const paths = await makeState(t);
  const first = await takeTurn(paths, bounds);
  assert.equal([first.busy, first.hung], [null, null]);
  const second = await takeTurn(paths, bounds);
  assert.match(second.busy ?? '', new RegExp(`^another pass \\(pid ${process.pid}, since .*\\) is at work$`));
  await second.release();
  await first.release();
  const third = await takeTurn(paths, bounds);
  assert.is(third.busy, null);
  await third.release();
});

test('R5: a pass that hangs keeps the others out no longer than a pass may take', async (t) => {
  const paths = await makeState(t);
  await leaveHolder(t, paths.directory, Date.now() - 9 * minute);
  const early = await takeTurn(paths, bounds);
  assert.match(early.busy ?? '', `another pass (pid ${process.pid}, since `);
  const late = await takeTurn(paths, { ...bounds, longestMs: 8 * minute });
  assert.is(late.busy, null);
  assert.match(late.hung ?? '', new RegExp(`^another pass \\(pid ${process.pid}, .* hangs, and is not waited for$`));
  for (const turn of [early, late]) await turn.release();
});

test('R5: a pass that has not said yet who it is does not hang, whatever the one before it left', async (t) => {
  const paths = await makeState(t);
  const nobody = spawnSync('true').pid;
  await leaveHolder(t, paths.directory, Date.now() - 60 * minute, nobody);
  const turn = await takeTurn(paths, bounds);
  assert.equal([turn.busy, turn.hung], ['another pass is at work', null]);
  await turn.release();
});

test('S10: where no lock can be had, the pass is made all the same', async (t) => {
  const paths = await makeState(t);
  await mkdir(join(paths.directory, 'monitor.lock'), { recursive: true });
  assert.is((await takeTurn(paths, bounds)).busy, null);
});

test('S10: a pass may take what is configured for its acts', () => {
  const { target } = inputsOf('20260203-151120-4f2a');
  const usual = passMs(target);
  assert.ok(usual > 10 * minute && usual < 25 * minute, `${usual / minute} min`);
  assert.ok(passMs({ ...target, startTimeoutMs: target.startTimeoutMs + 10 * minute }) > usual + 10 * minute);
});

test('S10: a pass that hangs in something that does not answer is given up at its deadline', async (t) => {
  const paths = await makeState(t);
  const builds = await makeDirectory(t);
  await mkdir(join(builds, newer));
  await writeFile(join(builds, newer, 'app'), '');
  await symlink(newer, join(builds, 'current'));
  await mkdir(paths.directory, { recursive: true });
  const { target } = inputsOf('20260203-151120-4f2a');
  const config = { app: 'shop', manager: 'system' };
  const place = {
    paths,
    config,
    target: { ...target, builds },
    systemd: new Proxy({}, { get: () => () => new Promise(() => {}) }),
    signal,
    emit: () => {},
  };
  const turn = { busy: null, hung: null };
  const { report } = await monitor(place as unknown as Place, { turn, timeoutMs: 200 });
  const [found, ...more] = report.findings;
  assert.equal(
    [found?.key, found?.level, found?.message, more, report.exit_code],
    ['pass', 'fail', 'the pass did not end within 0.2 s', [], 3],
  );
  const other = await monitor(place as unknown as Place, { turn: { ...turn, busy: 'another pass is at work' } });
  assert.equal([other.report.passed_over, other.report.exit_code], ['another pass is at work', 0]);
});
