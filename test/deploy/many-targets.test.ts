// needs: sandbox
import { mkdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { sandboxFor } from '../sandboxed.ts';

const test = suite('deploy/many-targets');

/** More than a bus keeps answers for (128), whatever each target asks. */
const count = 150;

test('S11: a machine with more targets than a bus answers at once', async () => {
  const sandbox = await sandboxFor();
  await writeFile(sandbox.hostPath('/etc/systemd/system/many@.service'), '[Service]\nExecStart=/bin/sleep infinity\n');
  await sandbox.run('systemctl', 'daemon-reload');
  const names = Array.from({ length: count }, (_, index) => `n${index}`);
  const tables = names.map(
    (name) => `[targets.${name}]\nunit = "many@${name}.service"\nbuilds = "/srv/many/${name}"\n`,
  );
  await Promise.all(names.map((name) => mkdir(sandbox.hostPath(`/srv/many/${name}`), { recursive: true })));
  await writeFile(sandbox.hostPath('/srv/many.toml'), `app = "many"\n${tables.join('')}`);
  const { code, stdout, stderr } = await sandbox.cutover(['status', '--json', '--config', '/srv/many.toml']);
  assert.is(code, 0, stderr);
  const { targets } = JSON.parse(stdout) as { targets: { target: string; state: string }[] };
  assert.equal(
    targets.map(({ target, state }) => `${target} ${state}`),
    names.map((name) => `${name} inactive`),
  );
  const metrics = await sandbox.cutover(['status', '--metrics', '--config', '/srv/many.toml']);
  assert.equal([metrics.code, metrics.stdout.includes(`target="n${count - 1}"`)], [0, true], metrics.stderr);
});
