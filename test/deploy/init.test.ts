// needs: sandbox
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parse } from 'smol-toml';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../lib/config/load.ts';
import type { CheckReport } from '../../lib/deployer/check.ts';
import type { Behaviour } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import { clearAfter, init, machineConfig, refused, snapshot, statusesIn, textOf } from './initiating.ts';
import { plainUser } from './plain-user.ts';
import { buildId, calledFrom, makeSite, type Site, type SiteOptions, until } from './site.ts';
import { whoServes } from './sound.ts';

const test = suite('deploy/init');
const [first, second] = [buildId(1), buildId(2)];

/** A service that runs, on a machine without any configuration where cutover looks for one. */
async function runningSite(t: TestContext, options: SiteOptions = {}): Promise<Site> {
  const site = await makeSite(t, options);
  clearAfter(t, site.sandbox);
  return site;
}

test('a service that runs: the file is right as it is, and a deploy goes by it', async (t) => {
  const site = await runningSite(t, { builds: [{}, {}] });
  const { sandbox, unit, app, port } = site;
  await giveRoom(t, site);
  const called = await init(sandbox, unit);
  assert.equal(
    [called.code, called.document],
    [
      0,
      {
        target: 'production',
        files: [{ path: machineConfig, status: 'written', mode: '0644' }],
        units: [],
        notes: [],
        next: ['cutover check production', 'cutover init --install'],
      },
    ],
    called.stderr,
  );
  const { mode, uid } = await stat(sandbox.hostPath(machineConfig));
  assert.equal([(mode & 0o7777).toString(8), uid], ['644', 0]);
  const config = await loadConfig(sandbox.hostPath(machineConfig));
  const { builds, ports, health } = config.targets.production ?? {};
  assert.equal([config.app, builds, ports], [app, site.builds, [port]]);
  assert.equal(health?.urls, [`http://127.0.0.1:${port}/api/health`]);
  assert.is((await sandbox.cutover(['config', '--check'])).code, 0);
  const checked = calledFrom<CheckReport>(await sandbox.cutover(['check', 'production', '--json']));
  assert.equal([checked.code, checked.document.safe], [0, true], checked.stderr);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, second], deployed.stderr);
  assert.is((await whoServes(site))?.build, second);
});

test('what was guessed says so in the file, and what was said does not', async (t) => {
  const { sandbox, unit, builds, port } = await runningSite(t);
  await init(sandbox, unit);
  const guessed = await textOf(sandbox, machineConfig);
  for (const key of ['app', 'builds', 'port', 'url'])
    assert.match(guessed, new RegExp(`^${key} = .*# guessed`, 'm'), key);
  assert.match(guessed, '#json = { status = "healthy" }  # what it answers now');
  const url = `http://127.0.0.1:${port}/api/health`;
  const said = ['--app', 'market', '--target', 'live', '--builds', builds, '--port', String(port), '--url', url];
  const called = await init(sandbox, unit, ...said, '--output', '/etc/cutover/said.toml');
  assert.is(called.code, 0, called.stderr);
  const text = await textOf(sandbox, '/etc/cutover/said.toml');
  assert.not.match(text, /# guessed/);
  const document = parse(text) as { app: string; targets: { live: Record<string, unknown> } };
  assert.equal([document.app, document.targets.live.builds, document.targets.live.port], ['market', builds, port]);
});

test('in words: what was found, each file, and what to type next', async (t) => {
  const { sandbox, unit, builds, port } = await runningSite(t);
  const { code, stdout, stderr } = await sandbox.cutover(['init', unit]);
  assert.equal([code, stderr], [0, '']);
  assert.match(stdout, `written ${machineConfig} (mode 0644)\n`);
  assert.match(stdout, new RegExp(`^ +builds +${builds} +guessed from WorkingDirectory= of the unit$`, 'm'));
  assert.match(stdout, new RegExp(`^ +port +${port} +guessed: the unit listens there now$`, 'm'));
  assert.match(stdout, /type next:\n {2}-> cutover check production\n {2}-> cutover init --install$/);
  const quiet = await sandbox.cutover(['init', unit, '--quiet']);
  assert.is(quiet.stdout, '-> cutover check production\n-> cutover init --install');
});

test('again: unchanged, and the file is not touched', async (t) => {
  const { sandbox, unit } = await runningSite(t);
  await init(sandbox, unit);
  const before = await snapshot(sandbox, '/etc/cutover');
  const again = await init(sandbox, unit);
  assert.equal([again.code, again.document.files[0]?.status], [0, 'unchanged'], again.stderr);
  assert.is(await snapshot(sandbox, '/etc/cutover'), before);
  // systemctl takes a name without its ending, and so does init; the file tells of the unit by its whole name.
  assert.is((await init(sandbox, unit.replace('.service', ''))).document.files[0]?.status, 'unchanged');
});

test('--dry-run: prints what it then writes, and writes nothing', async (t) => {
  const { sandbox, unit } = await runningSite(t);
  const before = await snapshot(sandbox, '/etc', '/var/lib/cutover');
  const dry = await init(sandbox, unit, '--install', '--dry-run');
  assert.is(dry.code, 0, dry.stderr);
  assert.is(await snapshot(sandbox, '/etc', '/var/lib/cutover'), before);
  assert.equal(statusesIn(dry.document), ['would enable', 'would write']);
  const inWords = await sandbox.cutover(['init', unit, '--dry-run']);
  assert.match(inWords.stdout, `would write ${machineConfig} (mode 0644)\n# What cutover deploys, and how.`);
  assert.match(inWords.stdout, '\nnothing was written: --dry-run\n');
  assert.is((await init(sandbox, unit, '--install')).code, 0);
  for (const { path, content } of dry.document.files) assert.is(await textOf(sandbox, path), content, path);
  const done = await init(sandbox, unit, '--install', '--dry-run');
  assert.equal(statusesIn(done.document), ['unchanged']);
});

const answering: Record<string, { behaviour: Behaviour; url: string; lines?: string[] }> = {
  'the first of the usual paths that answers well': {
    behaviour: { answers: { '/health': { status: 503 }, '/healthz': { body: '{"status":"up"}' } } },
    url: '/api/health',
  },
  'a status other than 200': {
    behaviour: { answers: { '/health': { status: 204 } } },
    url: '/health',
    lines: ['status = 204  # guessed: what it answers now'],
  },
  'nothing but a page': {
    behaviour: { answers: { '/api/health': { status: 404 } } },
    url: '/',
    lines: [],
  },
};

for (const [what, { behaviour, url, lines = [] }] of Object.entries(answering)) {
  test(`health: ${what}`, async (t) => {
    const { sandbox, unit, port, app } = await runningSite(t, { isDeployed: false });
    await startAs(sandbox, app, unit, behaviour);
    assert.is((await init(sandbox, unit)).code, 0);
    const text = await textOf(sandbox, machineConfig);
    assert.match(
      text,
      `\nurl = "http://127.0.0.1:${port}${url}"  # guessed: answers ${behaviour.answers?.[url]?.status ?? 200} now\n`,
    );
    for (const line of lines) assert.match(text, `\n${line}\n`);
  });
}

test('health: nothing answers well: the address stays a comment, and the note says what that means', async (t) => {
  const { sandbox, unit, port, app } = await runningSite(t, { isDeployed: false });
  await startAs(sandbox, app, unit, { mode: 'status', status: 500 });
  const called = await init(sandbox, unit);
  assert.is(called.code, 0);
  assert.match(called.document.notes.join(), 'no health address');
  const text = await textOf(sandbox, machineConfig);
  assert.match(
    text,
    `\n#url = "http://127.0.0.1:${port}/health"  # none of /health /api/health /healthz / answered 2xx\n`,
  );
  const named = await init(sandbox, unit, '--url', `http://127.0.0.1:${port}/x`, '--output', '/etc/cutover/b.toml');
  assert.match(named.document.notes.join(), `http://127.0.0.1:${port}/x does not answer 2xx now`);
});

test('the unit is known by its limits: time to stop, memory, a "-" where none should be', async (t) => {
  const service = ['TimeoutStopSec=2min', 'MemoryMax=512M', 'User=www-data'];
  const site = await runningSite(t, { service });
  const { sandbox, unit, builds } = site;
  await sandbox.run('chmod', '-R', 'a+rX', `/srv/${site.app}`);
  await init(sandbox, unit);
  const text = await textOf(sandbox, machineConfig);
  assert.match(text, `\ntimeout = "2min 5s"  # guessed: the unit's own TimeoutStopSec= is 2min\n`);
  assert.match(text, 'MemoryMax=512M, 460.8M\n');
  await dropIn(t, site, `[Service]\nWorkingDirectory=-${builds}/current\nTimeoutStopSec=90\n`);
  const called = await init(sandbox, unit, '--output', '/etc/cutover/b.toml');
  assert.match(called.document.notes.join(), 'begins with "-"');
  assert.match(await textOf(sandbox, '/etc/cutover/b.toml'), '\n#timeout = "30s"  # ');
});

test("a unit of the user's own manager: the file lies where the user keeps such, and what it says to type works", async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { user, builds: [{}, {}] });
  const { sandbox } = user;
  const own = `${user.home}/.config/cutover/cutover.toml`;
  t.cleanup(() => sandbox.run('rm', '-f', own));
  assert.match((await refused(sandbox, site.unit)).mend, 'for a unit of your own manager: --user');
  const called = await init(sandbox, site.unit, '--user');
  assert.equal(
    [called.code, called.document.files, called.document.next],
    [0, [{ path: own, status: 'written', mode: '0644' }], ['cutover check production', 'cutover init --install']],
    called.stderr,
  );
  assert.match(await textOf(sandbox, own), '\nmanager = "user"\n');
  assert.is(await sandbox.run('stat', '--format=%U', own), user.name);
  const again = await init(sandbox, site.unit, '--user');
  assert.is(again.document.files[0]?.status, 'unchanged', again.stderr);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, second], deployed.stderr);
  const elsewhere = await sandbox.cutover(['init', site.unit, '--user', '--json'], {
    env: { XDG_CONFIG_HOME: '/srv/deployer/conf' },
  });
  assert.is(JSON.parse(elsewhere.stdout).files[0].path, '/srv/deployer/conf/cutover/cutover.toml');
});

test('a secret in the address: the file is for its owner alone', async (t) => {
  const { sandbox, unit, port } = await runningSite(t);
  const url = `http://user:geheim@127.0.0.1:${port}/api/health`;
  const called = await init(sandbox, unit, '--url', url);
  assert.equal([called.code, called.document.files[0]?.mode], [0, '0600'], called.stderr);
  assert.is((await stat(sandbox.hostPath(machineConfig))).mode & 0o777, 0o600);
  assert.is((await sandbox.cutover(['config', '--check'])).code, 0);
});

test('the umask of the caller changes nothing, and a missing folder is made', async (t) => {
  const { sandbox, unit } = await runningSite(t);
  const bin = (await import('./site.ts')).executable('cutover');
  const words = `umask 077; exec ${process.execPath} ${bin} init ${unit} --output /etc/cutover/a/b/c.toml`;
  await sandbox.run('sh', '-c', words);
  assert.is((await stat(sandbox.hostPath('/etc/cutover/a/b/c.toml'))).mode & 0o777, 0o644);
});

test('the next commands name the file where cutover would not find it', async (t) => {
  const { sandbox, unit } = await runningSite(t);
  const other = await init(sandbox, unit, '--output', '/srv/other.toml');
  t.cleanup(() => rm(sandbox.hostPath('/srv/other.toml')));
  const option = ' --config /srv/other.toml';
  assert.equal(other.document.next, [`cutover check production${option}`, `cutover init --install${option}`]);
  // Relative to the caller, and found there before the machine's own.
  await mkdir(sandbox.hostPath('/srv/here'));
  t.cleanup(() => rm(sandbox.hostPath('/srv/here'), { recursive: true }));
  const call = ['init', unit, '--output', 'cutover.toml', '--json'];
  const here = calledFrom<typeof other.document>(await sandbox.cutover(call, { cwd: '/srv/here' }));
  assert.equal(
    [here.document.files[0]?.path, here.document.next[0]],
    ['/srv/here/cutover.toml', 'cutover check production'],
  );
  const hidden = calledFrom<typeof other.document>(
    await sandbox.cutover(['init', unit, '--json'], { cwd: '/srv/here' }),
  );
  assert.is(hidden.document.next[0], `cutover check production --config ${machineConfig}`);
});

test('Ctrl-C while it asks: exit 130, and nothing was written', async (t) => {
  const site = await runningSite(t, { isDeployed: false });
  const { sandbox, unit, app } = site;
  await startAs(sandbox, app, unit, { mode: 'hang' });
  let end = await interruptAsking(site);
  // On a busy machine it may have come to its end before the signal did.
  for (let left = 4; end.code === 0 && left > 0; left -= 1) {
    await sandbox.run('rm', '-r', '/etc/cutover');
    end = await interruptAsking(site);
  }
  assert.is(end.code, 130);
  assert.is(JSON.parse(end.said).exit_code, 130);
  assert.is((await sandbox.exec(['test', '-e', '/etc/cutover'])).code, 1);
});

/** Interrupts an init as soon as it asks the service for a health address. */
async function interruptAsking({ sandbox, unit, port }: Site): Promise<{ code: number | null; said: string }> {
  const child = await sandbox.startCutover(['init', unit, '--json']);
  const said = text(child.stdout);
  child.stderr.resume();
  let isOver = false;
  void child.ended.then(() => (isOver = true));
  const established = ['ss', '-Htn', 'state', 'established', 'dport', '=', `:${port}`] as const;
  await until('it asks', async () => isOver || (await sandbox.run(...established)) !== '');
  child.kill('SIGINT');
  return { code: (await child.ended).code, said: await said };
}

test('the program lies in current, or only its script does', async (t) => {
  const site = await runningSite(t, { builds: [{}, {}] });
  const { sandbox, unit, builds } = site;
  await dropIn(
    t,
    site,
    `[Service]\nWorkingDirectory=/\nExecStart=\nExecStart=${process.execPath} ${builds}/current/app.mjs\n`,
  );
  await sandbox.run('systemctl', 'restart', unit);
  await until('it serves', async () => (await whoServes(site)) !== null);
  const called = await init(sandbox, unit);
  assert.is(called.code, 0, called.stderr);
  assert.match(called.document.notes.join(), `better: WorkingDirectory=${builds}/current`);
  const text = await textOf(sandbox, machineConfig);
  assert.match(text, `\nbuilds = "${builds}"  # guessed from ExecStart= of the unit\n`);
  assert.match(text, '\nidentity = false  # guessed');
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.from, deployed.document.active], [0, first, second], deployed.stderr);
});

test('a script that goes into current itself: the person says where the builds are, and the process proves it', async (t) => {
  const site = await runningSite(t);
  const { sandbox, unit, builds, app } = site;
  const script = `/srv/${app}/start`;
  await writeFile(sandbox.hostPath(script), `#!/bin/sh\ncd ${builds}/current && exec ${process.execPath} app.mjs\n`, {
    mode: 0o755,
  });
  await dropIn(t, site, `[Service]\nWorkingDirectory=\nExecStart=\nExecStart=${script}\n`);
  await sandbox.run('systemctl', 'restart', unit);
  await until('it serves', async () => (await whoServes(site)) !== null);
  const alone = await refused(sandbox, unit);
  assert.equal([alone.code, alone.kind], [1, 'refused']);
  const called = await init(sandbox, unit, '--builds', builds);
  assert.is(called.code, 0, called.stderr);
  const { targets } = await loadConfig(sandbox.hostPath(machineConfig));
  assert.equal([targets.production?.builds, targets.production?.health.identity], [builds, true]);
});

/** A service as a build of its own kind, started without a deploy. */
async function startAs(sandbox: Site['sandbox'], app: string, unit: string, behaviour: Behaviour): Promise<void> {
  const builds = `/srv/${app}/builds`;
  await writeFile(sandbox.hostPath(`${builds}/${first}/behaviour.json`), JSON.stringify(behaviour));
  await sandbox.run('ln', '-s', first, `${builds}/current`);
  await sandbox.run('systemctl', 'start', unit);
  const listens = ['sh', '-c', `journalctl --unit ${unit} --output=cat --no-pager | grep -q ' listens on '`] as const;
  await until('it listens', async () => (await sandbox.exec(listens)).code === 0);
}

async function dropIn(t: TestContext, { sandbox, unit }: Site, text: string): Promise<void> {
  const folder = sandbox.hostPath(`/etc/systemd/system/${unit}.d`);
  await mkdir(folder, { recursive: true });
  t.cleanup(() => rm(folder, { recursive: true }));
  await writeFile(`${folder}/test.conf`, text);
  await sandbox.run('systemctl', 'daemon-reload');
}

/** The machine may be fuller than the default allows: file systems of their own for builds and state. */
async function giveRoom(t: TestContext, site: Site): Promise<void> {
  const { sandbox, unit, builds } = site;
  const script =
    'mkdir -p /run/room && mount -t tmpfs tmpfs /run/room && cp -a "$1/." /run/room && mount --bind /run/room "$1"';
  await sandbox.run('sh', '-ec', script, 'sh', builds);
  t.cleanup(() => sandbox.exec(['umount', '--lazy', builds, '/run/room']));
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'mode=0700', 'tmpfs', '/var/lib/cutover');
  t.cleanup(() => sandbox.exec(['umount', '--lazy', '/var/lib/cutover']));
  await sandbox.run('systemctl', 'restart', unit);
  await until('it serves', async () => (await whoServes(site)) !== null);
}
