// needs: sandbox
// deadline: 8min
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { RecoveryReport } from '../../lib/report/recovery-report.ts';
import { until } from '../deploy/site.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('examples/recovery', { timeoutMs: 240_000 });
const folder = join(repository, 'examples/recovery');
const names = ['backend', 'frontend', 'mcp'];
const build = 'dist.20260203-151120';
const path = '/srv/bridge/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

test('R1 R2 R3: a bad night of three services, and the issue that is left of it', async (t) => {
  const sandbox = await sandboxFor();
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', ...names.map(unitOf)]));
  await install(sandbox);
  for (const name of names) await sandbox.run('/srv/bridge/bin/cutover', 'deploy', name);

  // The backend was stopped, so the frontend is unwell; the helper lacks what an installation had put in place.
  await sandbox.run('systemctl', 'stop', unitOf('backend'));
  await rm(sandbox.hostPath(`/srv/bridge/mcp/${build}/installed`), { recursive: true });
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unitOf('mcp'));
  const looked = await recover(sandbox, 'status');
  assert.equal([looked.code, looked.report.healthy], [3, 0]);
  const frontend = await invocation(sandbox, 'frontend');
  const night = await recover(sandbox, 'full');
  assert.equal([night.code, night.report.recovered, night.report.healthy], [0, true, 3], night.stderr);
  assert.is(await invocation(sandbox, 'frontend'), frontend, 'what only lacked its backend was started anew');
  assert.match(night.stderr, 'mcp:   ✓ repair');

  // A stranger has the backend's port, and nothing can be installed any more.
  await sandbox.run('systemctl', 'stop', ...names.map(unitOf));
  await rm(sandbox.hostPath(`/srv/bridge/mcp/${build}`), { recursive: true });
  await mkdir(sandbox.hostPath(`/srv/bridge/mcp/${build}`));
  const code = "require('node:http').createServer((q, s) => s.writeHead(500).end()).listen(9000, '127.0.0.1')";
  await sandbox.run('systemd-run', '--quiet', '--collect', '--unit=stranger', await nodeFor(sandbox), '-e', code);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', 'stranger']));
  await until('the stranger listens', async () => (await sandbox.run('ss', '-ltn')).includes(':9000'));
  const worse = await recover(sandbox, 'full');
  assert.equal([worse.code, worse.report.recovered], [3, false], worse.stderr);
  assert.match(worse.issue, '0 of 3 services are healthy after 2 attempts');
  assert.match(
    worse.issue,
    /### backend: [^]*found: port 9000 is taken by pid \d+ .* of stranger.service[^]*next: `sudo ss -ltnp`/,
  );
  assert.match(worse.issue, new RegExp(`### mcp: [^]*found: ${build} is empty`));
  assert.is(await sandbox.run('systemctl', 'is-active', 'stranger'), 'active');

  // A person has ended the stranger.
  await sandbox.run('systemctl', 'stop', 'stranger');
  const some = await recover(sandbox, 'only', 'backend,frontend');
  assert.equal([some.code, some.report.total, some.report.healthy], [0, 2, 2], some.stderr);
});

function unitOf(name: string): string {
  return `bridge-${name}.service`;
}

function invocation(sandbox: TestSandbox, name: string): Promise<string> {
  return sandbox.run('systemctl', 'show', '--property=InvocationID', '--value', unitOf(name));
}

async function recover(
  sandbox: TestSandbox,
  ...words: string[]
): Promise<{ code: number | null; stderr: string; report: RecoveryReport; issue: string }> {
  const reports = '/srv/bridge/reports';
  await rm(sandbox.hostPath(reports), { recursive: true, force: true });
  const env = { PATH: path, REPORTS: reports };
  const { code, stderr } = await sandbox.exec([join(folder, 'recover.sh'), ...words], { env, timeoutMs: 120_000 });
  const report = JSON.parse(await readFile(sandbox.hostPath(`${reports}/report.json`), 'utf8')) as RecoveryReport;
  const issue = await readFile(sandbox.hostPath(`${reports}/issue.md`), 'utf8').catch(() => '');
  assert.is(issue === '', code === 0, 'an issue when it failed, and only then');
  return { code, stderr, report, issue };
}

async function install(sandbox: TestSandbox): Promise<void> {
  const node = await nodeFor(sandbox);
  const inside = (file: string): string => sandbox.hostPath(file);
  for (const name of names) {
    const unit = await readFile(join(folder, unitOf(name)), 'utf8');
    await writeFile(inside(`/etc/systemd/system/${unitOf(name)}`), unit.replaceAll('/usr/bin/node', node));
    await cp(join(folder, 'bridge'), inside(`/srv/bridge/${name}/${build}`), { recursive: true });
    await sandbox.run('sh', '-c', `cd /srv/bridge/${name}/${build} && ./install.sh`);
  }
  await sandbox.run('systemctl', 'daemon-reload');
  for (const place of ['/etc/cutover', '/srv/bridge/bin']) await mkdir(inside(place), { recursive: true });
  const quick = (await readFile(join(folder, 'cutover.toml'), 'utf8'))
    .replace('"30s"', '"1s"')
    .replace('attempts = 3\ndelay', 'attempts = 2\ndelay');
  // The machine that tests run on may be fuller than a production machine should be.
  await writeFile(
    inside('/etc/cutover/cutover.toml'),
    `${quick}\n[defaults.limits]\ndisk_used = "99%"\nmemory_available = "50M"\n`,
  );
  const command = `#!/bin/sh\nexec ${process.execPath} ${join(repository, 'bin/cutover.js')} "$@"\n`;
  await writeFile(inside('/srv/bridge/bin/cutover'), command, { mode: 0o755 });
  await writeFile(inside('/srv/bridge/bin/node'), `#!/bin/sh\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
}

/** The services' account reads nothing below a home directory, where node may be installed. */
async function nodeFor(sandbox: TestSandbox): Promise<string> {
  if (process.execPath.startsWith('/usr/')) return process.execPath;
  const copy = '/srv/bridge/node';
  await mkdir(sandbox.hostPath('/srv/bridge'), { recursive: true });
  await copyFile(process.execPath, sandbox.hostPath(copy)).catch(() => {});
  return copy;
}
