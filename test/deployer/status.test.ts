import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isThere } from '../../lib/base/files.ts';
import { openController } from '../../lib/base/wait.ts';
import { directConfig } from '../../lib/config/direct.ts';
import type { TargetConfig } from '../../lib/config/model.ts';
import { status, type TargetStatus } from '../../lib/deployer/status.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { makeDirectory } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';

const test = suite('deployer/status');

/** What `status` says of a target without a build, where journalctl is a script of these lines. */
async function statusWith(t: TestContext, journalctl: string, signal: AbortSignal): Promise<TargetStatus> {
  const directory = await makeDirectory(t);
  await mkdir(join(directory, 'bin'));
  await writeFile(join(directory, 'bin/journalctl'), `#!/bin/sh\n${journalctl}\n`);
  await chmod(join(directory, 'bin/journalctl'), 0o755);
  const before = process.env.PATH;
  t.cleanup(() => (process.env.PATH = before));
  process.env.PATH = `${join(directory, 'bin')}:${before}`;
  const builds = join(directory, 'builds');
  const config = directConfig({ unit: 'shop.service', builds, ports: [], manager: 'system' });
  const target = config.targets.shop as TargetConfig;
  const systemd = { facts: async () => factsWith() } as unknown as Systemd;
  return status({ config, target, systemd, signal, paths: statePathsIn(join(directory, 'state')) });
}

test('S11: a builds directory that is not there is no reason to say nothing', async (t) => {
  const found = await statusWith(t, 'exit 0', openController().signal);
  assert.equal([found.current, found.previous, found.recent_errors], [null, null, []]);
});

test('S11: a signal ends the wait for the journal', async (t) => {
  const controller = openController();
  const reason = new Error('the person has seen enough');
  const asked = join(await makeDirectory(t), 'asked');
  const began = performance.now();
  const ending = statusWith(t, `touch '${asked}'\nexec sleep 60`, controller.signal).catch((caught: unknown) => caught);
  await until('the journal is asked', () => isThere(asked));
  controller.abort(reason);
  const error = await ending;
  assert.ok(performance.now() - began < 10_000);
  assert.is(error, reason);
});
