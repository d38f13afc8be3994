// needs: sandbox
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Ground } from '../../lib/demo/ground.ts';
import { runInside } from '../../lib/demo/run-inside.ts';
import { repository, sandboxFor } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('demo/run-inside');

test("its commands read the demo's configuration, whatever lies nearer", async (t) => {
  const sandbox = await sandboxFor();
  await sandbox.run('mkdir', '-p', '/srv/near/.config/cutover', '/srv/demo/etc/cutover');
  const nearer = ['/srv/near/cutover.toml', '/srv/near/.config/cutover/cutover.toml', '/etc/cutover/cutover.toml'];
  await sandbox.run('mkdir', '-p', '/etc/cutover');
  for (const path of nearer) await writeFile(sandbox.hostPath(path), 'nearer = 1\n');
  await writeFile(sandbox.hostPath('/srv/demo/etc/cutover/cutover.toml'), 'of-the-demo = 1\n');
  const ground = {
    place: (path: string) => `/srv/demo${path}`,
    spawn: (command, { env } = {}) => sandbox.spawn(command, { cwd: '/srv/near', env: { ...env, HOME: '/srv/near' } }),
  } satisfies Pick<Ground, 'place' | 'spawn'>;
  const deploy = [process.execPath, join(repository, 'bin/cutover.js'), 'deploy', 'production'] as const;
  const ran = await runInside(ground, deploy, { signal: t.signal, onLine: () => {} });
  assert.is(ran.exitCode, 78);
  assert.match(ran.error ?? '', 'of-the-demo: unknown key');
});
