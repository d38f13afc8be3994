import { copyFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openController } from '../../lib/base/wait.ts';
import { directConfig } from '../../lib/config/direct.ts';
import type { TargetConfig } from '../../lib/config/model.ts';
import { writeMetricsFile } from '../../lib/deployer/metrics-file.ts';
import type { Place } from '../../lib/deployer/place.ts';
import { ledgerPath, type StatePaths, statePathsIn } from '../../lib/run/state.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { makeDirectory } from '../builds/directory.ts';
import { parseExposition, valueOf } from '../report/metrics/parser.ts';
import { leaveRun } from '../run/samples.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('deployer/metrics-file');
const fileName = 'cutover-direct@shop.prom';

/** A target on a machine whose systemd cannot be reached. */
async function makePlace(t: TestContext): Promise<{ place: Place; paths: StatePaths; directory: string }> {
  const root = await makeDirectory(t);
  const [builds, directory] = [join(root, 'builds'), join(root, 'textfile')];
  for (const path of [builds, directory]) await mkdir(path);
  const config = directConfig({ unit: 'shop.service', builds, ports: [], manager: 'system' });
  const paths = statePathsIn(join(root, 'state'));
  const systemd = { facts: () => Promise.reject(new Error('no bus')) } as unknown as Systemd;
  const { signal } = openController();
  const place = { config, target: config.targets.shop as TargetConfig, paths, systemd, signal } as Place;
  return { place, paths, directory };
}

test('R4: the file is for all to read whatever the umask, and nothing is left beside it', async (t) => {
  const { place, paths, directory } = await makePlace(t);
  const before = process.umask(0o077);
  t.cleanup(() => process.umask(before));
  await leaveRun(paths, '20260203-151120-4f2a', {});
  assert.is(await writeMetricsFile(place, directory), null);
  assert.is((await stat(join(directory, fileName))).mode & 0o777, 0o644);
  await writeMetricsFile(place, directory);
  assert.equal(await readdir(directory), [fileName]);
  const families = parseExposition(await readFile(join(directory, fileName), 'utf8'));
  assert.is(valueOf(families, 'cutover_runs_total', { kind: 'deploy', outcome: 'deployed' }), 1);
  assert.is(valueOf(families, 'cutover_target_seen'), 0, 'no bus');
});

test('R4: whoever reads while it is written finds it whole', async (t) => {
  const { place, directory } = await makePlace(t);
  const path = join(directory, fileName);
  await writeMetricsFile(place, directory);
  const state = { isOver: false };
  const writing = Promise.all([1, 2, 3].map(() => writeMany(place, directory))).finally(() => (state.isOver = true));
  let reads = 0;
  for (; !state.isOver; reads += 1) assert.ok(parseExposition(await readFile(path, 'utf8')).size > 3);
  await writing;
  assert.ok(reads > 10);
});

async function writeMany(place: Place, directory: string): Promise<void> {
  for (let times = 0; times < 20; times += 1) assert.is(await writeMetricsFile(place, directory), null);
}

test('R4: a run that ends between the look and the writing is in the file, whoever writes last', async (t) => {
  const { place, paths, directory } = await makePlace(t);
  const [first, second] = ['20260203-151120-4f2a', '20260203-151121-4f2a'];
  await leaveRun(paths, first, {});
  // The name is asked for last, when the ledgers have been read.
  let asked = 0;
  const config = Object.defineProperty({ ...place.config }, 'app', {
    get: () => {
      asked += 1;
      if (asked === 2) copyFileSync(ledgerPath(paths, first), ledgerPath(paths, second));
      return 'direct';
    },
  });
  assert.is(await writeMetricsFile({ ...place, config }, directory), null);
  const families = parseExposition(await readFile(join(directory, fileName), 'utf8'));
  assert.is(valueOf(families, 'cutover_runs_total', { kind: 'deploy', outcome: 'deployed' }), 2);
});

test('R4: what cannot be written is told in a sentence, and a directory is not made up', async (t) => {
  const { place, directory } = await makePlace(t);
  await rm(directory, { recursive: true });
  assert.match((await writeMetricsFile(place, directory)) ?? '', /^the metrics were not written to .*: ENOENT/);
  await writeFile(directory, 'a file');
  assert.match((await writeMetricsFile(place, directory)) ?? '', /not written to/);
  assert.is(await readFile(directory, 'utf8'), 'a file');
});
