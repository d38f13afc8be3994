import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { CutoverError, isCutoverError, messageOf } from '../../../lib/base/errors.ts';
import { sleep } from '../../../lib/base/wait.ts';
import type { ShownTarget } from '../../../lib/report/page/model.ts';
import { openLedger } from '../../../lib/run/ledger.ts';
import { openDisks } from '../../../lib/triggers/page/disks.ts';
import { watchTarget } from '../../../lib/triggers/page/target-watch.ts';
import { until } from '../../deploy/site.ts';
import { inputsOf, markInFlight } from '../../run/samples.ts';
import { suite } from '../../suite.ts';
import { follow } from './followed.ts';

const test = suite('what the page says of what hangs', { timeoutMs: 120_000 });

const patientMs = 45_000;
/** Longer than a state is fresh. */
const staleMs = 1_100;

test('R6: a target whose look never ends is not known, and is not looked at again before it ends', async (t) => {
  let [asked, release] = [0, (): void => {}];
  const hung = new Promise<[]>((resolve) => (release = () => resolve([])));
  const requests = (): Promise<[]> => {
    asked += 1;
    return hung;
  };
  const { watching } = await follow(t, { requests, lookMs: 1_000 });
  const shown = async (): Promise<ShownTarget | undefined> => (await watching.now()).targets[0];
  const late = 'production could not be looked at within 1 s';
  for (let round = 1; round <= 3; round += 1) {
    const target = await shown();
    assert.is(target?.standing, 'unknown');
    assert.match(target?.findings.join() ?? '', late);
    assert.equal(target?.next, ['cutover status production']);
    await sleep(staleMs);
  }
  assert.is(asked, 1);
  release();
  await until('it is looked at', async () => !(await shown())?.findings.join().includes(late), patientMs);
  assert.ok(asked > 1);
});

test('R6: of a target on a file system that does not answer nothing is shown as if it went on', async (t) => {
  const { place, paths } = await follow(t);
  await mkdir(paths.runs, { recursive: true });
  const run = '20260203-161120-0001';
  await markInFlight(paths, run);
  const ledger = await openLedger(paths, run);
  t.cleanup(() => ledger.close());
  await ledger.write({ type: 'begin', inputs: inputsOf(run) });
  let isHung = true;
  const verifyAnswer = async (directory: string): Promise<void> => {
    if (isHung) throw new CutoverError('timeout', `the file system of ${directory} did not answer`);
  };
  const watched = watchTarget(place, { runs: 8, isUnitWatched: false, disks: { verifyAnswer }, lookMs: 30_000 });
  isHung = false;
  await watched.refresh();
  assert.is(watched.shown().standing, 'changing');
  assert.is(watched.shown().health.answers.length, 1);
  isHung = true;
  await watched.refresh();
  const { standing, findings, health, unit_state, running, build } = watched.shown();
  assert.is(standing, 'unknown');
  assert.match(findings.join(), `the file system of ${place.target.builds} did not answer`);
  assert.equal([health.answers, unit_state, running], [[], null, null]);
  assert.is.not(build.current, null);
  isHung = false;
  await watched.refresh();
  assert.not.match(watched.shown().findings.join(), 'did not answer');
});

test('R6: a file system that hangs from the start on is asked by one question, whatever is below it', async (t) => {
  const questions: string[] = [];
  const disks = openDisks({ timeoutMs: 100, signal: t.signal }, (directory) => {
    questions.push(directory);
    return directory.startsWith('/mnt/far') ? new Promise(() => {}) : Promise.resolve(1);
  });
  const all = ['/mnt/far/a/builds', '/mnt/far/b/builds', '/mnt/far/c', '/mnt/near/d/builds'];
  const ask = (): Promise<string[]> =>
    Promise.all(all.map((directory) => disks.verifyAnswer(directory).then(() => 'answered', messageOf)));
  const late = 'the file system of /mnt/far did not answer within 0.1 s';
  for (let times = 0; times < 2; times += 1) assert.equal(await ask(), [late, late, late, 'answered']);
  assert.equal(
    questions.filter((directory) => directory.startsWith('/mnt/far')),
    ['/mnt/far'],
  );
});

test('R6: a file system that does not answer is asked by one question, and the others all the same', async (t) => {
  const questions: string[] = [];
  let [hung, release] = [Promise.resolve(), (): void => {}];
  const disks = openDisks({ timeoutMs: 100, signal: t.signal }, async (directory) => {
    questions.push(directory);
    if (directory === '/well') return 1;
    await hung;
    return 2;
  });
  const all = ['/a', '/b', '/well', '/a', '/c'];
  const ask = (): Promise<boolean[]> =>
    Promise.all(
      all.map((directory) =>
        disks.verifyAnswer(directory).then(
          () => true,
          (error: unknown) => !isCutoverError(error, 'timeout'),
        ),
      ),
    );
  await until('their devices are known', async () => (await ask()).every(Boolean), patientMs);
  questions.length = 0;
  hung = new Promise((resolve) => (release = resolve));
  assert.equal(await ask(), [false, false, true, false, false]);
  assert.equal(await ask(), [false, false, true, false, false]);
  assert.equal(questions, ['/a', '/well', '/well']);
  release();
  await until('it answers again', async () => (await ask()).every(Boolean), patientMs);
});
