import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { statePaths } from '../../lib/run/state.ts';
import { makeDirectory } from '../builds/directory.ts';
import { requireDebian } from '../debian.ts';
import { leaveRun } from '../run/samples.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('cli/lost signal');

test('work whose signal to a thread was lost is not waited for without an end', async (t) => {
  const directory = await makeDirectory(t);
  const config = join(directory, 'cutover.toml');
  const target = ['[targets.production]', 'unit = "shop.service"', 'builds = "/nowhere"', 'port = 9000'];
  await writeFile(config, [`app = "shop"`, `state = "${directory}/state"`, ...target].join('\n'));
  const paths = statePaths({ state: `${directory}/state`, app: 'shop', target: 'production' });
  await leaveRun(paths, '20260203-151120-4f2a', {});
  requireDebian({ tcc: '/usr/bin/tcc' });
  const library = join(directory, 'lose-signal.so');
  const source = join(repository, 'test/cli/lose-signal');
  const compiled = await exec(['tcc', '-nostdlib', '-shared', '-o', library, `${source}.c`], { timeoutMs: 30_000 });
  assert.is(compiled.code, 0, compiled.stderr);
  const command = [process.execPath, `--require=${source}.cjs`, join(repository, 'bin/cutover.js')] as const;
  const { code, stdout, stderr } = await exec([...command, 'report', '--slo', '--config', config], {
    timeoutMs: 60_000,
    cwd: '/',
    env: { LD_PRELOAD: library, DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' },
  });
  assert.is(code, 0, stderr);
  assert.match(stdout, 'shop production: 1 run');
  // At once would mean that nothing was lost.
  const [, tookMs = ''] = /read after (\d+) ms/.exec(stderr) ?? [];
  assert.ok(Number(tookMs) >= 300, stderr);
});
