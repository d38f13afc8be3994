// needs: sandbox
// deadline: 5min
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import { type Called, calledFrom } from '../deploy/site.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { requireDebian } from '../debian.ts';

const test = suite('examples/container', { timeoutMs: 240_000 });
const folder = join(repository, 'examples/container');
const source = '/srv/shop/source';
const path = '/srv/shop/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

test('P10: a build names its image, which comes with it, is there to go back to, and goes with it', async () => {
  requireDebian({ podman: '/usr/bin/podman', crun: '/usr/bin/crun', 'busybox-static': '/usr/bin/busybox' });
  const sandbox = await sandboxFor();
  await install(sandbox);

  const first = await deployed(sandbox, 'bread');
  await deployed(sandbox, 'butter');
  assert.match(await sandbox.run('podman', 'ps', '--format', '{{.Image}}'), await imageOf(sandbox, 'current'));

  // The image of a build that answers wrongly is left, and the one before serves again.
  await sell(sandbox, 'nothing', 'ill');
  const bad = await call(sandbox, 'deploy');
  assert.equal([bad.code, bad.document.failure?.step], [4, 'gate'], bad.stderr);
  assert.is(await sold(sandbox), 'butter');

  const back = await call(sandbox, 'rollback');
  assert.equal([back.code, back.document.active, await sold(sandbox)], [0, first, 'bread'], back.stderr);

  for (const goods of ['jam', 'tea', 'milk', 'salt']) await deployed(sandbox, goods);
  const builds = (await sandbox.run('sh', '-c', 'cat /srv/shop/builds/dist.*/image.env')).trim().split('\n');
  const named = builds.map((line) => line.replace('IMAGE=', ''));
  assert.equal(await images(sandbox), named.toSorted());
  assert.ok(builds.length < 7, 'the keep rules removed some');
});

test('P10: without its image no build is deployed, nor gone back to, and nothing is stopped for it', async () => {
  const sandbox = await sandboxFor();
  const before = await deployed(sandbox, 'pears');
  const image = await imageOf(sandbox, 'current');
  const good = await deployed(sandbox, 'apples');
  await sandbox.run('podman', 'rmi', image);
  const refused = await call(sandbox, 'deploy', before);
  assert.equal([refused.code, refused.document.outcome], [1, 'refused'], refused.stderr);
  const { checks } = refused.document as unknown as { checks: CheckAnswer[] };
  assert.is(checks.find(({ name }) => name === 'image')?.status, 'fail');
  assert.equal([refused.document.active, await sold(sandbox)], [good, 'apples']);
  const back = await call(sandbox, 'rollback', before);
  assert.is(back.code, 4, back.stderr);
  assert.equal([back.document.active, await sold(sandbox)], [good, 'apples']);
});

/** As the README says. */
async function install(sandbox: TestSandbox): Promise<void> {
  for (const place of ['/etc/cutover', '/srv/shop/bin', '/srv/shop/builds'])
    await mkdir(sandbox.hostPath(place), { recursive: true });
  const limits = '\n[targets.production.limits]\ndisk_used = "99%"\nmemory_available = "50M"\n';
  const config = await readFile(join(folder, 'cutover.toml'), 'utf8');
  await writeFile(sandbox.hostPath('/etc/cutover/cutover.toml'), config + limits);
  await cp(folder, sandbox.hostPath(source), { recursive: true });
  await cp(join(folder, 'shop.service'), sandbox.hostPath('/etc/systemd/system/shop.service'));
  const command = `#!/bin/sh\nexec ${process.execPath} ${join(repository, 'bin/cutover.js')} "$@"\n`;
  await writeFile(sandbox.hostPath('/srv/shop/bin/cutover'), command, { mode: 0o755 });
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  for (const line of [/^cp \/usr\/bin\/busybox .*$/m, /^systemctl daemon-reload.*$/m])
    await sandbox.run('sh', '-ec', line.exec(readme)?.[0] ?? 'false');
  assert.is((await sandbox.run('systemctl', 'is-enabled', 'shop')).trim(), 'enabled');
}

async function sell(sandbox: TestSandbox, goods: string, health = 'ok'): Promise<void> {
  const www = sandbox.hostPath(`${source}/image/www`);
  await writeFile(join(www, 'index.html'), goods);
  await writeFile(join(www, 'health'), health);
}

async function deployed(sandbox: TestSandbox, goods: string): Promise<string | null> {
  await sell(sandbox, goods);
  const { code, document, stderr } = await call(sandbox, 'deploy');
  assert.equal([code, document.outcome, await sold(sandbox)], [0, 'deployed', goods], stderr);
  return document.active;
}

function call(sandbox: TestSandbox, command: string, ...words: (string | null)[]): Promise<Called> {
  const given = words.filter((word) => word !== null);
  return sandbox
    .cutover([command, 'production', ...given, '--json'], { env: { PATH: path } })
    .then((result) => calledFrom(result));
}

function sold(sandbox: TestSandbox): Promise<string> {
  return sandbox.run('curl', '--silent', 'http://127.0.0.1:9000/');
}

async function imageOf(sandbox: TestSandbox, build: string): Promise<string> {
  return (await sandbox.run('cat', `/srv/shop/builds/${build}/image.env`)).trim().replace('IMAGE=', '');
}

async function images(sandbox: TestSandbox): Promise<string[]> {
  const names = await sandbox.run('podman', 'images', '--format', '{{.Repository}}:{{.Tag}}', 'localhost/shop');
  return names.trim().split('\n').toSorted();
}
