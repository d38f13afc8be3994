import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import { directConfig } from '../../lib/config/direct.ts';
import type { TargetConfig } from '../../lib/config/model.ts';
import { metricsText } from '../../lib/deployer/metrics.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { makeDirectory } from '../builds/directory.ts';
import { type ParsedFamily, parseExposition, valueOf } from '../report/metrics/parser.ts';
import { leaveRun } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('deployer/metrics');

test('R4: of a target on a file system that does not answer only its records are told, and no file there is asked for', async (t) => {
  const root = await makeDirectory(t);
  const [builds, paths] = [join(root, 'builds'), statePathsIn(join(root, 'state'))];
  await mkdir(builds);
  await leaveRun(paths, '20260203-151120-4f2a', {});
  const config = directConfig({ unit: 'shop.service', builds, ports: [], manager: 'system' });
  let looks = 0;
  const facts = (): Promise<never> => {
    looks += 1;
    return Promise.reject(new Error('no bus'));
  };
  const hung = new Set<string>();
  const verifyAnswer = async (directory: string): Promise<void> => {
    if (hung.has(directory)) throw new CutoverError('timeout', `the file system of ${directory} did not answer`);
  };
  const known = { config, paths, systemd: { facts } as unknown as Systemd, signal: openController().signal };
  const place = { ...known, target: config.targets.shop as TargetConfig, verifyAnswer };
  const told = async (): Promise<Map<string, ParsedFamily>> => parseExposition(await metricsText([place]));
  const well = await told();
  assert.is(valueOf(well, 'cutover_builds'), 0);
  assert.equal(disksIn(well), [builds, paths.directory]);
  assert.is(looks, 1);

  hung.add(builds);
  const unknown = await told();
  assert.is(valueOf(unknown, 'cutover_target_seen'), 0);
  assert.is(valueOf(unknown, 'cutover_runs_total', { kind: 'deploy', outcome: 'deployed' }), 1);
  assert.is(unknown.has('cutover_builds'), false);
  assert.equal(disksIn(unknown), [paths.directory]);
  assert.is(looks, 1);

  hung.add(paths.directory);
  assert.is((await told()).size, 0);
});

function disksIn(families: Map<string, ParsedFamily>): (string | undefined)[] {
  return (families.get('cutover_disk_size_bytes')?.samples ?? []).map(({ labels }) => labels.path);
}
