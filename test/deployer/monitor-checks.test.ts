import { chmod, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import * as assert from 'uvu/assert';
import { openController } from '../../lib/base/wait.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import { askMonitorChecks } from '../../lib/deployer/monitor-checks.ts';
import { pathsOf, type Place } from '../../lib/deployer/place.ts';
import { makeBuilds, makeDirectory } from '../builds/directory.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('deployer/monitor-checks');
const build = 'dist.20260203-150001';

/** A place whose checks ask systemd nothing. */
async function placeWith(t: TestContext, checks: string[], current?: string): Promise<Place> {
  const [builds, state] = [await makeBuilds(t, [build], current), await makeDirectory(t)];
  const tables = checks.map((check) => `[[targets.main.checks]]\n${check}\n`).join('');
  const text = `app = "shop"\nstate = "${state}"\n[targets.main]\nunit = "shop"\nbuilds = "${builds}"\nport = 1\n${tables}`;
  const config = parseConfig(parse(text), 'f.toml', { env: {} });
  const { main: target } = config.targets;
  if (!target) throw new Error('there is no target');
  const rest = { redact: (said: string) => said, signal: openController().signal, emit: () => {} };
  return { config, target, paths: pathsOf(config, target), ...rest } as unknown as Place;
}

test('B4: only what is meant for the monitor is asked, about the build in service, and mended', async (t) => {
  const path = join(await makeDirectory(t), 'env');
  await writeFile(path, '');
  await chmod(path, 0o644);
  const file = `name = "file"\nkind = "file"\npath = "${path}"\nmode = "600"\nmend = true\nwhen = ["monitor"]`;
  const told =
    'name = "told"\nkind = "command"\nrun = "echo $CUTOVER_APP $CUTOVER_BUILD $CUTOVER_CURRENT"\nwhen = ["monitor", "after"]';
  const other = 'name = "other"\nkind = "tcp"\nport = 2';
  const answers = await askMonitorChecks(await placeWith(t, [file, told, other], build));
  assert.equal(
    answers.map(({ name, status, observed }) => [name, status, observed]),
    [
      ['file', 'pass', 'was 644, is 600 now'],
      ['told', 'pass', `shop ${build} ${build}`],
    ],
  );
  assert.is((await stat(path)).mode & 0o777, 0o600);
});

test('B4: a service that was never deployed is not asked', async (t) => {
  const own = 'name = "own"\nkind = "tcp"\nport = 1\nwhen = ["monitor"]';
  const [answer] = await askMonitorChecks(await placeWith(t, [own]));
  assert.equal([answer?.status, answer?.observed], ['pass', 'nothing is deployed yet']);
  const [deployed] = await askMonitorChecks(await placeWith(t, [own], build));
  assert.equal([deployed?.status, deployed?.observed], ['fail', 'connection refused']);
});
