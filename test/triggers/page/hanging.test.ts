import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { CutoverError, messageOf } from '../../../lib/base/errors.ts';
import { sleep } from '../../../lib/base/wait.ts';
import type { ShownTarget } from '../../../lib/report/page/model.ts';
import { openLedger } from '../../../lib/run/ledger.ts';
import type { MountTable } from '../../../lib/systemd/mounts.ts';
import { type Disks, openDisks } from '../../../lib/triggers/page/disks.ts';
import { watchTarget } from '../../../lib/triggers/page/target-watch.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { inputsOf, markInFlight } from '../../run/samples.ts';
import { suite, type TestContext } from '../../suite.ts';
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
  const { disks, questions, hanging } = fileSystems(t, { '/': '8:1' });
  hanging.add('/mnt/far');
  const all = ['/mnt/far/a/builds', '/mnt/far/b/builds', '/mnt/far/c', '/mnt/near/d/builds'];
  const late = 'the file system of /mnt/far did not answer within 0.1 s';
  for (let times = 0; times < 2; times += 1) assert.equal(await askAll(disks, all), [late, late, late, 'answered']);
  assert.equal(
    questions.filter((directory) => directory.startsWith('/mnt/far')),
    ['/mnt/far'],
  );
});

test('R6: a file system that does not answer is asked by one question, and the others all the same', async (t) => {
  const { disks, questions, hanging, release } = fileSystems(t, { '/': '8:2', '/well': '8:1' });
  const all = ['/a', '/b', '/well', '/a', '/c'];
  const areWell = async (): Promise<boolean[]> => (await askAll(disks, all)).map((answer) => answer === 'answered');
  await until('they are known', async () => (await areWell()).every(Boolean), patientMs);
  questions.length = 0;
  for (const directory of ['/a', '/b', '/c']) hanging.add(directory);
  for (let times = 0; times < 2; times += 1) assert.equal(await areWell(), [false, false, true, false, false]);
  assert.equal(questions, ['/a', '/well', '/well']);
  hanging.clear();
  release();
  await until('it answers again', async () => (await areWell()).every(Boolean), patientMs);
});

test('R6: what is mounted over a known directory later, and hangs, is asked by itself, and all else goes on', async (t) => {
  const devices: Record<string, string> = { '/': '8:1' };
  const { disks, questions, hanging } = fileSystems(t, devices);
  const all = ['/srv/a', '/srv/b', '/srv/b/c', '/srv/d'];
  assert.equal(await askAll(disks, all), ['answered', 'answered', 'answered', 'answered']);
  devices['/srv/b'] = '0:47';
  hanging.add('/srv/b');
  questions.length = 0;
  const late = 'the file system of /srv/b did not answer within 0.1 s';
  for (let times = 0; times < 2; times += 1)
    assert.equal(await askAll(disks, all), ['answered', late, late, 'answered']);
  assert.equal(
    questions.filter((directory) => directory.startsWith('/srv/b')),
    ['/srv/b'],
  );
  delete devices['/srv/b'];
  hanging.clear();
  assert.equal(await askAll(disks, all), ['answered', 'answered', 'answered', 'answered'], 'it was unmounted');
});

test('R6: a real directory is asked, and one that is not there', async (t) => {
  const disks = openDisks({ timeoutMs: patientMs, signal: t.signal });
  const directory = await makeDirectory(t);
  assert.equal(await askAll(disks, [directory, `${directory}/none`, '/proc']), ['answered', 'answered', 'answered']);
});

/** File systems of which those hang that are below one of `hanging`. @param devices of each mount point its device; they may change */
function fileSystems(t: TestContext, devices: Record<string, string>) {
  const questions: string[] = [];
  const hanging = new Set<string>();
  let [released, release] = [Promise.resolve(), (): void => {}];
  released = new Promise((resolve) => (release = resolve));
  const ask = async (directory: string): Promise<string> => {
    questions.push(directory);
    if ([...hanging].some((point) => `${directory}/`.startsWith(`${point}/`))) await released;
    return directory;
  };
  const mounts = (): MountTable =>
    new Map(Object.entries(devices).map(([point, device]) => [point, { device, root: '/', point, type: 'ext4' }]));
  const disks = openDisks({ timeoutMs: 100, signal: t.signal }, { ask, mounts });
  return { disks, questions, hanging, release };
}

function askAll(disks: Disks, directories: readonly string[]): Promise<string[]> {
  return Promise.all(directories.map((directory) => disks.verifyAnswer(directory).then(() => 'answered', messageOf)));
}
