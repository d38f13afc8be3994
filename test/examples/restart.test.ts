// needs: sandbox
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import { calledFrom, type Called, until } from '../deploy/site.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('examples/restart', { timeoutMs: 120_000 });
const folder = join(repository, 'examples/restart');
const stamps = ['20260203-151116', '20260203-151117', '20260203-151118'].map((stamp) => `dist.${stamp}`);
const [first = '', second = '', bad = ''] = stamps;

test('S1 S4 S7 S8: a stranger on the port and a used-up start limit, a bad build, and back again', async (t) => {
  const sandbox = await sandboxFor();
  await install(sandbox);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', 'shop-production', 'shop-staging', 'left-over']));
  await addBuild(sandbox, 'production', first);
  assert.is((await call(sandbox, 'deploy', 'production')).code, 0);

  // Somebody stopped the unit and tried the program by hand, and the next start runs into it until systemd gives up.
  await sandbox.run('systemctl', 'stop', 'shop-production');
  const program = `${folder}/server.mjs`;
  await sandbox.run('systemd-run', '--quiet', '--unit=left-over', '--setenv=PORT=9000', process.execPath, program);
  await until('it listens', async () => (await sandbox.run('ss', '-ltn')).includes(':9000'));
  await sandbox.exec(['systemctl', 'start', 'shop-production']);
  await until('systemd gave up', async () => (await stateOf(sandbox)) === 'failed');

  const checked = await call<{ safe: boolean; checks: CheckAnswer[] }>(sandbox, 'check', 'production');
  const failed = new Map(checked.document.checks.map((check) => [check.name, check]));
  assert.equal([checked.code, checked.document.safe], [1, false]);
  assert.match(failed.get('port')?.observed ?? '', /port 9000 on 127\.0\.0\.1 is held by pid \d+ \(.*server\.mjs\)/);
  assert.is(failed.get('port')?.mend, 'systemctl stop left-over.service');
  assert.is(failed.get('unit')?.status, 'fail');
  await addBuild(sandbox, 'production', second);
  assert.equal(outcomeOf(await call(sandbox, 'deploy', 'production', '--fix-forward')), [1, 'refused', first]);
  assert.is((await sandbox.run('systemctl', 'is-active', 'left-over')).trim(), 'active', 'a stranger is never ended');

  await sandbox.run('systemctl', 'stop', 'left-over');
  assert.equal(outcomeOf(await call(sandbox, 'deploy', 'production', '--fix-forward')), [0, 'deployed', second]);

  await addBuild(sandbox, 'production', bad, (text) => text.replace("status: 'healthy'", "status: 'ill'"));
  assert.equal(outcomeOf(await call(sandbox, 'deploy', 'production')), [4, 'rolled_back', second]);
  assert.equal(outcomeOf(await call(sandbox, 'rollback', 'production')), [0, 'deployed', first]);

  assert.is((await call(sandbox, 'deploy', 'production', '--force')).code, 64);
  await addBuild(sandbox, 'staging', first);
  assert.equal(outcomeOf(await call(sandbox, 'deploy', 'staging', '--force')), [0, 'deployed', first]);
});

function outcomeOf({ code, document }: Called): [number | null, string, string | null] {
  return [code, document.outcome, document.active];
}

async function call<Document = Called['document']>(
  sandbox: TestSandbox,
  ...words: string[]
): Promise<Called<Document>> {
  return calledFrom<Document>(await sandbox.cutover([...words, '--json']));
}

async function stateOf(sandbox: TestSandbox): Promise<string> {
  return (await sandbox.run('systemctl', 'show', '--property=ActiveState', '--value', 'shop-production')).trim();
}

async function install(sandbox: TestSandbox): Promise<void> {
  for (const name of ['shop-production.service', 'shop-staging.service']) {
    const text = await readFile(join(folder, name), 'utf8');
    const path = sandbox.hostPath(`/etc/systemd/system/${name}`);
    await writeFile(path, text.replace('/usr/bin/node', process.execPath));
  }
  await mkdir(sandbox.hostPath('/etc/cutover'), { recursive: true });
  // A test has no time to wait, and its machine may be fuller than a production machine should be.
  const config = (await readFile(join(folder, 'cutover.toml'), 'utf8'))
    .replace('attempts = 10', 'attempts = 3')
    .replace('interval = "3s"', 'interval = "200ms"')
    .replace('healthy_for = "5s"', 'healthy_for = "500ms"')
    .replace('disk_used = "80%"', 'disk_used = "99%"')
    .replace('memory_available = "500M"', 'memory_available = "50M"');
  await writeFile(sandbox.hostPath('/etc/cutover/cutover.toml'), config);
  await sandbox.run('systemctl', 'daemon-reload');
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  await sandbox.run('sh', '-ec', /^systemctl enable .*$/m.exec(readme)?.[0] ?? 'false');
  assert.is(await sandbox.run('systemctl', 'is-enabled', 'shop-production', 'shop-staging'), 'enabled\nenabled');
}

async function addBuild(
  sandbox: TestSandbox,
  target: string,
  id: string,
  change: (text: string) => string = (text) => text,
): Promise<void> {
  const build = sandbox.hostPath(`/srv/shop/builds/${target}/${id}`);
  await mkdir(build, { recursive: true });
  await cp(join(folder, 'server.mjs'), join(build, 'server.mjs'));
  await writeFile(join(build, 'server.mjs'), change(await readFile(join(folder, 'server.mjs'), 'utf8')));
}
