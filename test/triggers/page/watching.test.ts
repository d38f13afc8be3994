import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { start } from '../../../lib/base/exec.ts';
import { openController, sleep } from '../../../lib/base/wait.ts';
import type { PageModel } from '../../../lib/report/page/model.ts';
import { oneAtATime } from '../../../lib/triggers/page/again.ts';
import { openDisks } from '../../../lib/triggers/page/disks.ts';
import { watchDirectories } from '../../../lib/triggers/page/files.ts';
import { holderNow } from '../../../lib/triggers/page/holder.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { gateFailure, inputsOf, leaveRun, markInFlight, newer } from '../../run/samples.ts';
import { openLedger } from '../../../lib/run/ledger.ts';
import { suite } from '../../suite.ts';
import { follow } from './followed.ts';

const test = suite('what the page follows', { timeoutMs: 120_000 });

const patientMs = 45_000;

test('R6: the records of runs are read as they are written', async (t) => {
  const { watching, paths } = await follow(t);
  let [model]: PageModel[] = [];
  const unsubscribe = watching.subscribe(() => (model = watching.latest()));
  t.cleanup(() => unsubscribe?.());
  const shown = () => model?.targets[0];
  await until('it is looked at', async () => shown()?.build.current === newer, patientMs);
  assert.equal([shown()?.runs, shown()?.running], [[], null]);
  await leaveRun(paths, '20260203-151120-4f2a', { active: newer, failure: null });
  await until('the run is shown', async () => shown()?.runs.length === 1, patientMs);
  await until('and what it brought', async () => shown()?.build.since !== null, patientMs);
  const run = '20260203-161120-0001';
  await markInFlight(paths, run);
  const ledger = await openLedger(paths, run);
  t.cleanup(() => ledger.close());
  await ledger.write({ type: 'begin', inputs: inputsOf(run) });
  await ledger.write({ type: 'step', name: 'stop', state: 'intended' });
  await until('its step is shown', async () => shown()?.running?.steps[0]?.name === 'stop', patientMs);
  assert.is(shown()?.standing, 'changing');
  await ledger.write({ type: 'failure', failure: { ...gateFailure, message: 'said hunter2' } });
  await until('it goes back', async () => shown()?.running?.failure !== null, patientMs);
  // What a service said may hold a secret.
  assert.is(shown()?.running?.failure?.message, 'said [redacted]');
});

test('R6: nothing is looked at while nobody looks', async (t) => {
  const { watching, asked } = await follow(t);
  await sleep(100);
  assert.is(asked(), 0);
  await Promise.all([watching.now(), watching.now(), watching.now()]);
  assert.ok(asked() <= 2, `${asked()} questions for three at once`);
  const unsubscribe = watching.subscribe(() => {});
  const before = asked();
  await until('it is asked again and again', async () => asked() >= before + 3, patientMs);
  unsubscribe?.();
  let [last, sinceMs] = [asked(), performance.now()];
  await until(
    'it is asked no more',
    async () => {
      if (asked() !== last) [last, sinceMs] = [asked(), performance.now()];
      // Twice the time between two questions.
      return performance.now() - sinceMs > 7_000;
    },
    patientMs,
  );
});

test('R6: a state directory that may not be read, and a manager that cannot be reached, are told of', async (t) => {
  const { watching, paths } = await follow(t);
  await mkdir(paths.directory, { recursive: true });
  // A file in the place of the directory: root may read anything else.
  await writeFile(paths.runs, '');
  const model = await watching.now();
  const [target] = model.targets;
  assert.equal(target?.runs, []);
  assert.match(target?.standing ?? '', /^(unknown|down)$/);
  assert.ok((target?.findings.length ?? 0) > 0);
  assert.is(target?.build.current, newer);
  assert.is(target?.health.answers[0]?.problem, null);
});

test('R6: who has a target is told while it is so, and not after a boot', async (t) => {
  const { paths } = await follow(t);
  const write = async (text: string): Promise<void> => {
    await mkdir(paths.directory, { recursive: true });
    await writeFile(paths.lock, text);
  };
  const holder = {
    pid: process.pid,
    doing: 'deploy of the newest build',
    since: new Date().toISOString(),
    user: 'root',
  };
  assert.is(await holderNow(paths), null);
  await write(JSON.stringify(holder));
  assert.equal(await holderNow(paths), holder);
  // The number was another process's then.
  await write(JSON.stringify({ ...holder, since: new Date(Date.now() - 3_600_000).toISOString() }));
  assert.is(await holderNow(paths), null);
  const dead = await start(['true']);
  await dead.ended;
  await write(JSON.stringify({ ...holder, pid: dead.pid }));
  assert.is(await holderNow(paths), null);
  for (const text of ['', 'half', '7', '{"pid":1}', JSON.stringify({ ...holder, pid: -1 })]) {
    await write(text);
    assert.is(await holderNow(paths), null, text);
  }
});

test('R6: there is an end to how many may listen', async (t) => {
  const { watching } = await follow(t);
  const all = Array.from({ length: 32 }, () => watching.subscribe(() => {}));
  assert.ok(all.every((unsubscribe) => unsubscribe !== null));
  assert.is(
    watching.subscribe(() => {}),
    null,
  );
  for (const unsubscribe of all) unsubscribe?.();
  assert.is.not(
    watching.subscribe(() => {}),
    null,
  );
});

test('R6: a directory that comes later, grows, goes and comes again is followed all the while', async (t) => {
  const path = join(await makeDirectory(t), 'runs');
  const ended = openController();
  t.cleanup(() => ended.abort());
  let changes = 0;
  const disks = openDisks({ timeoutMs: patientMs, signal: ended.signal });
  watchDirectories([path], { signal: ended.signal, disks }, () => (changes += 1));
  const hears = async (what: string, doing: () => Promise<unknown>): Promise<void> => {
    const before = changes;
    await doing();
    await until(what, async () => changes > before, patientMs);
  };
  await hears('it is made', () => mkdir(path));
  await quiet(() => changes);
  await hears('a file comes', () => writeFile(join(path, 'one.jsonl'), 'a\n'));
  await quiet(() => changes);
  await hears('a line comes', () => appendFile(join(path, 'one.jsonl'), 'b\n'));
  await hears('it goes', () => rm(path, { recursive: true }));
  await hears('it comes again', () => mkdir(path));
  await quiet(() => changes);
  await hears('a file comes there', () => writeFile(join(path, 'two.jsonl'), 'a\n'));
  ended.abort();
  const last = changes;
  await writeFile(join(path, 'three.jsonl'), 'a\n');
  await sleep(300);
  assert.is(changes, last);
});

test('R6: work that is asked for while it is done is done once more, not once for each', async () => {
  let [begun, atWork] = [0, 0];
  const work = oneAtATime(async () => {
    begun += 1;
    atWork += 1;
    assert.is(atWork, 1);
    await sleep(20);
    atWork -= 1;
    if (begun === 1) throw new Error('the first fails');
  });
  const first = work();
  const others = [work(), work(), work()];
  await first.then(
    () => assert.unreachable(),
    () => {},
  );
  await Promise.all(others);
  assert.is(begun, 2);
  await work();
  assert.is(begun, 3);
});

/** A directory that is missing counts as changed every two seconds: once it is followed, it is quiet. */
async function quiet(count: () => number): Promise<void> {
  let [last, sinceMs] = [count(), performance.now()];
  const isQuiet = async (): Promise<boolean> => {
    if (count() !== last) [last, sinceMs] = [count(), performance.now()];
    return performance.now() - sinceMs > 2_500;
  };
  await until('it is followed', isQuiet, patientMs);
}
