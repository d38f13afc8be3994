// needs: sandbox
import { once } from 'node:events';
import { symlink, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController, poll } from '../../lib/base/wait.ts';
import { connectBus } from '../../lib/systemd/bus.ts';
import { isUp } from '../../lib/systemd/facts.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';
import { runInside, systemdInside, writeService } from './inside.ts';

const test = suite('systemd/manager');
const soon = { timeoutMs: 20_000 };
const sleeping = ['Type=exec', 'ExecStart=/bin/sleep infinity'];

/** Kills the main process of a unit, and says when. */
async function killMain(systemd: Systemd, unit: string, signal = 9): Promise<number> {
  const began = performance.now();
  await systemd.call('KillUnit', 'ssi', [unit, 'main', signal], unit);
  return began;
}

test('S2: a start, a restart and a stop end with done, and the facts tell the same', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', [...sleeping, 'MemoryMax=64M', 'TimeoutStopSec=7', 'User=nobody']);
  const before = await systemd.facts('a.service');
  assert.equal([before.loadState, before.activeState, before.invocationId], ['loaded', 'inactive', '']);
  assert.equal([before.memoryBytes, before.cpuNs, before.mainPid], [null, null, 0]);
  assert.is(await systemd.start('a.service', soon), 'done');
  const started = await systemd.facts('a.service');
  assert.ok(isUp(started));
  assert.match(started.invocationId, /^[0-9a-f]{32}$/);
  assert.ok((started.memoryBytes ?? 0) > 0, 'memory');
  assert.equal([started.memoryMaxBytes, started.stopTimeoutMs, started.user], [64 * 1024 * 1024, 7_000, 'nobody']);
  assert.equal([started.type, started.restart, started.controlGroup], ['exec', 'no', '/system.slice/a.service']);
  assert.is(started.fragmentPath, '/etc/systemd/system/a.service');
  assert.ok(Math.abs(started.stateChangedMs - Date.now()) < 60_000);
  assert.is(await systemd.restart('a.service', soon), 'done');
  const restarted = await systemd.facts('a.service');
  assert.ok(isUp(restarted));
  assert.is.not(restarted.invocationId, started.invocationId);
  assert.is.not(restarted.mainPid, started.mainPid);
  assert.is(await systemd.stop('a.service', soon), 'done');
  const stopped = await systemd.facts('a.service');
  assert.equal([stopped.activeState, stopped.mainPid, stopped.memoryBytes], ['inactive', 0, null]);
});

test('S2: a part of the facts is what all of them tell, also of a unit that is down or not there', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', [...sleeping, 'MemoryMax=64M', 'Environment=A=1']);
  for (const look of ['down', 'up', 'not there']) {
    const unit = look === 'not there' ? 'nowhere.service' : 'a.service';
    if (look === 'up') await systemd.start(unit, soon);
    const [vitals, { facts, properties }] = [await systemd.vitals(unit), await systemd.known(unit)];
    // It goes on using memory and processor between the two.
    const steady = [
      'unit',
      'activeState',
      'subState',
      'invocationId',
      'mainPid',
      'restarts',
      'memoryMaxBytes',
    ] as const;
    for (const name of steady) assert.is(vitals[name], facts[name], `${look}: ${name}`);
    for (const name of ['memoryBytes', 'cpuNs'] as const) assert.is(vitals[name] === null, facts[name] === null, name);
    assert.is(vitals.memoryBytes === null, look !== 'up');
    assert.is(facts.activeState, look === 'up' ? 'active' : 'inactive');
    for (const name of ['Environment', 'ExecStart'] as const)
      assert.equal(properties.get(name), await systemd.property(unit, 'Service', name), `${look}: ${name}`);
    assert.equal(properties.get('UpheldBy'), await systemd.property(unit, 'Unit', 'UpheldBy'));
  }
});

test('S2: what is there already is done at once, two hundred times, with the answer before or after its end', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  assert.is(await systemd.stop('a.service', soon), 'done');
  await systemd.start('a.service', soon);
  const { invocationId } = await systemd.facts('a.service');
  const results = new Map<string, number>();
  for (let times = 0; times < 192; times += 1) {
    const result = await systemd.start('a.service', soon);
    results.set(result, (results.get(result) ?? 0) + 1);
  }
  const together = await Promise.all(Array.from({ length: 8 }, () => systemd.start('a.service', soon)));
  for (const result of together) results.set(result, (results.get(result) ?? 0) + 1);
  assert.equal([...results], [['done', 200]]);
  assert.is((await systemd.facts('a.service')).invocationId, invocationId);
});

test('S4: a program that is not there fails the start of Type=exec and only the facts of Type=simple', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'exec.service', ['Type=exec', 'ExecStart=/nowhere']);
  await writeService(t, sandbox, 'simple.service', ['Type=simple', 'ExecStart=/nowhere']);
  assert.is(await systemd.start('exec.service', soon), 'failed');
  const failed = await systemd.facts('exec.service');
  assert.equal([failed.activeState, failed.result, failed.execMainStatus], ['failed', 'exit-code', 203]);
  assert.is(await systemd.start('simple.service', soon), 'done');
  const seen = await poll({ everyMs: 5, signal: t.signal }, async () => {
    const facts = await systemd.facts('simple.service');
    return facts.activeState === 'failed' ? facts : undefined;
  });
  assert.is(seen.execMainStatus, 203);
});

test('S4: every other end of a job has its name', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'slow.service', [
    'Type=notify',
    'ExecStart=/bin/sleep infinity',
    'TimeoutStartSec=300ms',
  ]);
  const hanging = ['Type=notify', 'ExecStart=/bin/sleep infinity'];
  await writeService(t, sandbox, 'hanging.service', hanging);
  await writeService(t, sandbox, 'late.service', hanging, ['JobRunningTimeoutSec=300ms']);
  await writeService(t, sandbox, 'needy.service', sleeping, ['Requires=slow.service', 'After=slow.service']);
  await writeService(t, sandbox, 'unmet.service', sleeping, ['AssertPathExists=/nowhere']);
  assert.is(await systemd.start('slow.service', soon), 'failed');
  assert.is((await systemd.facts('slow.service')).result, 'timeout');
  assert.is(await systemd.start('late.service', soon), 'timeout');
  assert.is(await systemd.start('needy.service', soon), 'dependency');
  assert.is(await systemd.start('unmet.service', soon), 'assert');
  const starting = systemd.start('hanging.service', soon);
  await poll({ everyMs: 5, signal: t.signal }, async () =>
    (await systemd.facts('hanging.service')).activeState === 'activating' ? true : undefined,
  );
  assert.is(await systemd.stop('hanging.service', soon), 'done');
  assert.is(await starting, 'canceled');
});

test('S12: our own deadline and the person end the wait, not the job', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'hanging.service', ['Type=notify', 'ExecStart=/bin/sleep infinity']);
  const startLate = () => rejection(systemd.start('hanging.service', { timeoutMs: 2_000 }));
  let late = await startLate();
  // That systemd itself was late with its answer is another end.
  while (late.code === 'bus_lost' && !t.signal.aborted) late = await startLate();
  assert.is(late.code, 'timeout');
  assert.match(late.mend ?? '', 'systemctl status hanging.service');
  const controller = openController();
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const asked = systemd.start('hanging.service', { ...soon, signal: controller.signal });
  controller.abort(reason);
  assert.is(await rejection(asked), reason);
  // It may have had no time yet to begin; a job that had been taken back would never begin.
  await poll({ everyMs: 5, signal: t.signal }, async () =>
    (await systemd.facts('hanging.service')).activeState === 'activating' ? true : undefined,
  );
});

test('S1: a unit that does not exist and one that is masked are told apart', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await symlink('/dev/null', sandbox.hostPath('/etc/systemd/system/masked.service'));
  t.cleanup(() => sandbox.run('rm', '/etc/systemd/system/masked.service'));
  await systemd.reload();
  assert.is((await systemd.facts('masked.service')).loadState, 'masked');
  assert.is((await rejection(systemd.start('masked.service', soon))).code, 'unit_masked');
  const missing = await systemd.facts('no-such.service');
  assert.equal([missing.loadState, missing.activeState, missing.memoryBytes], ['not-found', 'inactive', null]);
  for (const member of ['start', 'restart'] as const) {
    const error = await rejection(systemd[member]('no-such.service', soon));
    assert.ok(error instanceof CutoverError);
    assert.equal([error.code, error.exitCode], ['no_such_unit', 1]);
    assert.match(error.message, 'no-such.service');
  }
  assert.is((await rejection(systemd.stop('no-such.service', soon))).code, 'no_such_unit');
});

test('S1: names with every letter that systemd allows, and units that are no services', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  for (const name of ['a_b-c.d:e.service', String.raw`a\x2db.service`, 't@one.service', '7up.service']) {
    await writeService(t, sandbox, name.replace('@one', '@'), sleeping);
    assert.is(await systemd.start(name, soon), 'done', name);
    assert.ok(isUp(await systemd.facts(name)), name);
    assert.is(await systemd.stop(name, soon), 'done', name);
  }
  const socket = await systemd.facts('dbus.socket');
  assert.equal([socket.loadState, socket.activeState, socket.mainPid], ['loaded', 'active', 0]);
  assert.equal((await systemd.facts('dbus.service')).triggeredBy, ['dbus.socket']);
});

test('S3: a crash is told at once, and after the watch nothing is', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  await writeService(t, sandbox, 'b.service', sleeping);
  await Promise.all(['a.service', 'b.service'].map((unit) => systemd.start(unit, soon)));
  const told = new EventTarget();
  let count = 0;
  const stop = await systemd.watch('a.service', (changed) => {
    count += 1;
    if (changed.get('ActiveState') === 'failed') told.dispatchEvent(new Event('failed'));
  });
  await killMain(systemd, 'b.service');
  const failed = once(told, 'failed', { signal: t.signal });
  const began = await killMain(systemd, 'a.service');
  await failed;
  const tookMs = performance.now() - began;
  console.log(`a crash is known after ${tookMs.toFixed(1)} ms`);
  assert.ok(tookMs < 20_000, `${tookMs} ms`);
  stop();
  const before = count;
  await systemd.resetFailed('a.service');
  await systemd.start('a.service', soon);
  // The answer to a call of ours comes after every signal that was sent before it.
  await systemd.facts('a.service');
  assert.is(count, before);
  // systemd takes what has died one by one.
  const { result, mainPid } = await poll({ everyMs: 5, signal: t.signal }, async () => {
    const facts = await systemd.facts('b.service');
    return facts.activeState === 'failed' ? facts : undefined;
  });
  assert.equal([result, mainPid], ['signal', 0]);
});

test('S3: two watchers of one unit both hear it, and one may leave', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  const heard = [0, 0];
  const stops = await Promise.all(
    heard.map((_, at) => systemd.watch('a.service', () => (heard[at] = (heard[at] ?? 0) + 1))),
  );
  await systemd.start('a.service', soon);
  assert.ok((heard[0] ?? 0) > 0 && heard[0] === heard[1], heard.join());
  stops[0]?.();
  const [left] = heard;
  await systemd.stop('a.service', soon);
  assert.is(heard[0], left);
  assert.ok((heard[1] ?? 0) > (left ?? 0));
});

test('S3: a watch that ends while the bus is away hears nothing once it is back', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  let count = 0;
  const stop = await systemd.watch('a.service', () => (count += 1));
  const bus = await connectBus('system');
  t.cleanup(() => bus.close());
  const isLost = once(bus.lost, 'abort', { signal: t.signal });
  t.cleanup(() => sandbox.run('systemctl', 'start', 'dbus.socket'));
  await sandbox.run('systemctl', 'stop', 'dbus.socket', 'dbus.service');
  await isLost;
  // Every connection is lost at the same moment; by now the watch has begun to look for another.
  await new Promise(setImmediate);
  stop();
  await sandbox.run('systemctl', 'start', 'dbus.socket');
  await systemd.facts('a.service');
  assert.is(await systemd.start('a.service', soon), 'done');
  await systemd.facts('a.service');
  assert.is(count, 0);
});

test('S8: a used-up start limit refuses until it is reset; what is not loaded needs no reset', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  const limit = ['StartLimitIntervalSec=300', 'StartLimitBurst=2'];
  await writeService(t, sandbox, 'a.service', ['Type=exec', 'ExecStart=/bin/sleep infinity', 'Restart=always'], limit);
  for (let times = 0; times < 2; times += 1) assert.is(await systemd.restart('a.service', soon), 'done');
  assert.is(await systemd.restart('a.service', soon), 'failed');
  const hit = await systemd.facts('a.service');
  assert.equal([hit.activeState, hit.result], ['failed', 'start-limit-hit']);
  assert.equal([hit.startLimitBurst, hit.startLimitIntervalMs], [2, 300_000]);
  await systemd.resetFailed('a.service');
  assert.is(await systemd.start('a.service', soon), 'done');
  await systemd.resetFailed('a.service');
  await systemd.resetFailed('never-heard-of.service');
});

test('S4: a unit that crashes again and again gives up, and its restarts are counted', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  const limit = ['StartLimitIntervalSec=300', 'StartLimitBurst=3'];
  await writeService(
    t,
    sandbox,
    'a.service',
    ['Type=simple', 'ExecStart=/bin/false', 'Restart=always', 'RestartSec=10ms'],
    limit,
  );
  await systemd.start('a.service', soon);
  const facts = await poll({ everyMs: 10, signal: t.signal }, async () => {
    const now = await systemd.facts('a.service');
    return now.activeState === 'failed' ? now : undefined;
  });
  assert.equal([facts.restarts, facts.result, facts.restart], [3, 'exit-code', 'always']);
});

test('S12: a unit file that changed is seen, and read by a reload', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  const path = await writeService(t, sandbox, 'a.service', sleeping);
  // One that is neither up nor failed would be read anew by whoever asks.
  await systemd.start('a.service', soon);
  assert.is((await systemd.facts('a.service')).needDaemonReload, false);
  await writeFile(path, ['[Service]', ...sleeping, 'TimeoutStopSec=3', ''].join('\n'));
  const changed = await systemd.facts('a.service');
  assert.equal([changed.needDaemonReload, changed.stopTimeoutMs], [true, 90_000]);
  await systemd.reload();
  const read = await systemd.facts('a.service');
  assert.equal([read.needDaemonReload, read.stopTimeoutMs], [false, 3_000]);
});

test('S2: the processes of a unit are all of its control group', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  const script = `/bin/sh -c 'sleep infinity & sleep infinity'`;
  await writeService(t, sandbox, 'a.service', ['Type=exec', `ExecStart=${script}`]);
  await systemd.start('a.service', soon);
  const pids = await poll({ everyMs: 5, signal: t.signal }, async () => {
    const now = await systemd.processes('a.service');
    return now.length >= 3 ? now : undefined;
  });
  assert.ok(pids.includes((await systemd.facts('a.service')).mainPid));
  await systemd.stop('a.service', soon);
  assert.equal(await systemd.processes('a.service'), []);
  assert.equal(await systemd.processes('no-such.service'), []);
});

test('S1: a port of the unit itself is good, and of another unit names it', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  const code = "require('net').createServer().listen(9000, () => require('fs').writeFileSync('/run/listens', ''))";
  await writeService(t, sandbox, 'a.service', ['Type=exec', `ExecStart=${process.execPath} -e "${code}"`]);
  await systemd.start('a.service', soon);
  await poll(
    { everyMs: 10, signal: t.signal },
    async () => (await sandbox.exec(['test', '-e', '/run/listens'])).code === 0 || undefined,
  );
  const asked = `
    const { askPort } = await import(lib + '/checks/port.ts');
    console.log(JSON.stringify([await askPort([9000], { unit: 'a.service', mainPid: 0 }), await askPort([9000], { unit: 'b.service', mainPid: 0 })]));`;
  const [own, others] = (await runInside(sandbox, asked)) as Record<string, string>[];
  assert.equal([own?.status, own?.observed], ['pass', 'held by a.service']);
  assert.is(others?.status, 'fail');
  assert.match(others?.observed ?? '', /port 9000 on :: is held by pid \d+ \(.*\) of a\.service/);
  assert.is(others?.mend, 'systemctl stop a.service');
});

test('S1: a plain user may look, and is told what it takes to do more', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  await systemd.start('a.service', soon);
  const asked = `
    const { openSystemd } = await import(lib + '/systemd/systemd.ts');
    const { takeScope } = await import(lib + '/systemd/scope.ts');
    const systemd = await openSystemd('system');
    const { activeState } = await systemd.facts('a.service');
    const told = (error) => ({ code: error.code, exitCode: error.exitCode, mend: error.mend, message: error.message });
    const scope = { app: 'shop', target: 'x', pid: process.pid, afterwards: ['/bin/true'], condition: '/x', environment: {} };
    const acts = [
      () => systemd.stop('a.service', { timeoutMs: 60000 }),
      () => systemd.start('a.service', { timeoutMs: 60000 }),
      () => systemd.restart('a.service', { timeoutMs: 60000 }),
      () => systemd.resetFailed('a.service'),
      () => systemd.reload(),
      () => takeScope(systemd, scope),
    ];
    const errors = [];
    for (const act of acts) errors.push(await act().then(() => null, told));
    console.log(JSON.stringify({ activeState, errors }));
    process.exit(0);`;
  const plain = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
  const { activeState, errors } = (await runInside(sandbox, asked, plain)) as {
    activeState: string;
    errors: ({ code: string; exitCode: number; mend: string; message: string } | null)[];
  };
  assert.is(activeState, 'active');
  for (const error of errors) {
    assert.equal([error?.code, error?.exitCode], ['permission', 77], JSON.stringify(error));
    assert.match(error?.mend ?? '', 'sudo');
  }
  assert.match(errors[0]?.message ?? '', 'systemd refuses to manage a.service');
  assert.ok(isUp(await systemd.facts('a.service')));
});

test('S3: the journal of one invocation, of its errors alone, and with what systemd wrote about it', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  const script = `/bin/sh -c 'echo said; echo "<3>wrong" >&2; exec sleep infinity'`;
  await writeService(t, sandbox, 'a.service', ['Type=exec', `ExecStart=${script}`]);
  await systemd.start('a.service', soon);
  const { invocationId, mainPid } = await systemd.facts('a.service');
  const isSaid = async (pid: number): Promise<true | undefined> =>
    (await sandbox.exec(['grep', '-qx', 'sleep', `/proc/${pid}/comm`])).code === 0 ? true : undefined;
  await poll({ everyMs: 5, signal: t.signal }, () => isSaid(mainPid));
  // A line that journald reads late may count as one of the next invocation.
  await sandbox.run('journalctl', '--sync');
  await systemd.restart('a.service', soon);
  const { invocationId: second, mainPid: secondPid } = await systemd.facts('a.service');
  await poll({ everyMs: 5, signal: t.signal }, () => isSaid(secondPid));
  await sandbox.run('journalctl', '--sync');
  const asked = `
    const { readJournal } = await import(lib + '/systemd/journal.ts');
    const unit = { manager: 'system', unit: 'a.service', lines: 50 };
    const first = { ...unit, invocationId: '${invocationId}' };
    const queries = [first, { ...first, priority: 3 }, { ...first, withManager: true }, { ...first, lines: 1 },
      { ...unit, invocationId: '${second}' }, unit, { ...unit, sinceMs: Date.now() + 60000 }, { ...unit, unit: 'none.service' }];
    console.log(JSON.stringify(await Promise.all(queries.map(readJournal))));`;
  const answers = (await runInside(sandbox, asked)) as { message: string; priority: number; at: string }[][];
  const [own, errors, managed, last, other, all, later, none] = answers.map((entries) =>
    entries.map(({ message }) => message),
  );
  assert.equal(own, ['said', 'wrong']);
  assert.equal(errors, ['wrong']);
  assert.equal(last, ['wrong']);
  assert.equal(other, ['said', 'wrong']);
  assert.ok(managed?.includes('said') && managed.some((text) => text.startsWith('Started a.service')), managed?.join());
  assert.is(all?.filter((text) => text === 'said').length, 2);
  assert.equal([later, none], [[], []]);
  assert.equal(
    answers[0]?.map(({ priority }) => priority),
    [6, 3],
  );
});
