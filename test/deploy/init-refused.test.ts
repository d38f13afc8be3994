// needs: sandbox
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../lib/config/load.ts';
import { unitFile } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import {
  clearAfter,
  init,
  machineConfig,
  refused,
  snapshot,
  textOf,
  typeCommands,
  unitDirectory,
} from './initiating.ts';
import { plainUser } from './plain-user.ts';
import { buildId, calledFrom, makeSite, type Site, until } from './site.ts';
import { currentLink, whoServes } from './sound.ts';

const test = suite('deploy/init refused');
const first = buildId(1);

async function runningSite(t: TestContext): Promise<Site> {
  const site = await makeSite(t);
  clearAfter(t, site.sandbox);
  return site;
}

test('an unknown unit, a masked one, one that cannot be loaded, and no unit at all', async (t) => {
  const { sandbox, unit, app } = await runningSite(t);
  const before = await snapshot(sandbox, '/etc/cutover');
  const unknown = await refused(sandbox, `${app}x`);
  assert.equal([unknown.code, unknown.kind], [1, 'no_such_unit']);
  assert.is(unknown.message, `systemd knows no unit ${app}x.service, did you mean ${unit}?`);
  assert.is(unknown.mend, 'systemctl list-units --type=service');
  const [broken, masked] = ['broken.service', 'masked.service'].map((name) => `${unitDirectory}/${name}`) as [
    string,
    string,
  ];
  t.cleanup(() => sandbox.run('rm', '-f', broken, masked));
  await writeFile(sandbox.hostPath(broken), '[Service]\nType=exec\n');
  await sandbox.run('ln', '-s', '/dev/null', masked);
  await sandbox.run('systemctl', 'daemon-reload');
  const wrong = await refused(sandbox, 'broken');
  assert.equal([wrong.code, wrong.kind, wrong.mend], [1, 'refused', 'systemd-analyze verify broken.service']);
  const off = await refused(sandbox, 'masked.service');
  assert.equal([off.code, off.kind, off.mend], [1, 'unit_masked', 'systemctl unmask masked.service']);
  for (const word of ['shop.socket', 'shop@.service', 'a b']) assert.is((await refused(sandbox, word)).code, 64, word);
  assert.match((await refused(sandbox, '--install', '--port', '9')).message, '--port is about a unit');
  assert.is(await snapshot(sandbox, '/etc/cutover'), before);
});

test('options that cannot be: exit 64', async (t) => {
  const { sandbox, unit } = await runningSite(t);
  for (const words of [
    ['--port', 'nine'],
    ['--port', '0'],
    ['--port', '9000,x'],
    ['--app', 'my shop'],
    ['--target', 'a/b'],
    ['--url', 'ftp://x'],
    ['--url', '/health'],
  ]) {
    const { code, kind, message } = await refused(sandbox, unit, ...words);
    assert.equal([code, kind], [64, 'usage'], words.join(' '));
    assert.ok(message.startsWith(words[0] as string), message);
  }
  for (const [place, message] of [
    ['/etc', '/etc is a directory'],
    ['/etc/passwd/cutover.toml', '/etc/passwd is no directory'],
  ] as const) {
    const found = await refused(sandbox, unit, '--output', place);
    assert.equal([found.code, found.message], [1, `${message}; nothing was written`]);
  }
  assert.is((await sandbox.exec(['test', '-e', '/etc/cutover'])).code, 1);
});

test('a service that does not run, one that listens nowhere, one that listens twice', async (t) => {
  const { sandbox, unit, port, app, builds } = await runningSite(t);
  await sandbox.run('systemctl', 'stop', unit);
  const stopped = await refused(sandbox, unit);
  assert.is(stopped.code, 1);
  assert.match(stopped.message, 'is not running (inactive, dead), so its port cannot be seen');
  assert.match(stopped.mend, `systemctl start ${unit} and again; or say the port: cutover init ${unit} --port 9000`);
  const said = await init(sandbox, unit, '--port', String(port), '--output', '/etc/cutover/said.toml');
  assert.is(said.code, 0, said.stderr);
  assert.match(said.document.notes.join(), 'could be asked, since it is not running');
  const deaf = await startOther(t, sandbox, { app, script: 'setInterval(() => {}, 1000)', builds });
  const none = await refused(sandbox, deaf);
  assert.match(none.message, `no process of ${deaf} listens on a TCP port now`);
  assert.match(none.mend, '--port none');
  const worker = await init(sandbox, deaf, '--port', 'none', '--output', '/etc/cutover/worker.toml');
  assert.is(worker.code, 0, worker.stderr);
  assert.equal((await loadConfig(sandbox.hostPath('/etc/cutover/worker.toml'))).targets.production?.ports, []);
  const script = `for (const p of [7001, 7002]) require('http').createServer((_, r) => r.end('ok')).listen(p, '127.0.0.1')`;
  const twice = await startOther(t, sandbox, { app, script, builds });
  await until('it listens', async () => (await sandbox.run('ss', '-Hltn')).includes(':7002'));
  const many = await refused(sandbox, twice);
  assert.is(many.message, `${twice} listens on 2 ports: 7001 (127.0.0.1), 7002 (127.0.0.1)`);
  assert.match(many.mend, `cutover init ${twice} --port 7001, or --port 7001,7002`);
  const both = await init(sandbox, twice, '--port', '7001', '--port', '7002', '--output', '/etc/cutover/both.toml');
  assert.is(both.code, 0, both.stderr);
  const { ports, health } = (await loadConfig(sandbox.hostPath('/etc/cutover/both.toml'))).targets.production ?? {};
  assert.equal([ports, health?.urls], [[7001, 7002], ['http://127.0.0.1:7001/health']]);
});

for (const [what, command] of [
  ['by a name', 'app.mjs'],
  ['by its path', '/srv/plain/app/app.mjs'],
] as const) {
  test(`a service in a plain folder, its script named ${what}: what has to change, and that does it`, async (t) => {
    const site = await runningSite(t);
    const { sandbox, port } = site;
    const unit = await startPlain(t, site, `${process.execPath} ${command}`);
    const before = await snapshot(sandbox, '/etc', '/srv/plain');
    const { code, kind, message, mend } = await refused(sandbox, unit);
    assert.equal([code, kind], [1, 'refused']);
    assert.match(message, `${unit} runs in /srv/plain/app, a plain directory`);
    assert.is(await snapshot(sandbox, '/etc', '/srv/plain'), before, 'something was changed');
    const inWords = await sandbox.cutover(['init', unit]);
    assert.match(inWords.stderr, `\n     systemctl stop ${unit}\n     mkdir -p /srv/plain/app-builds\n`);
    await typeCommands(sandbox, mend);
    await until('it serves', async () => (await whoServes({ ...site, port: 9900 })) !== null);
    const called = await init(sandbox, unit);
    assert.equal([called.code, called.document.files.map(({ status }) => status)], [0, ['written']], called.stderr);
    const { targets } = await loadConfig(sandbox.hostPath(machineConfig));
    assert.equal([targets.production?.builds, targets.production?.ports], ['/srv/plain/app-builds', [9900]]);
    assert.is.not(port, 9900);
    const check = await sandbox.cutover(['status', '--json']);
    const [found] = JSON.parse(check.stdout).targets;
    assert.match(found.current, /^dist\.\d{8}-\d{6}$/);
    assert.is(found.healthy, true);
    await sandbox.run(
      'cp',
      '-a',
      `/srv/plain/app-builds/${found.current}`,
      '/srv/plain/app-builds/dist.20991231-000000',
    );
    const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
    assert.equal([deployed.code, deployed.document.active], [0, 'dist.20991231-000000'], deployed.stderr);
  });
}

test('current is a directory, or leads out of the builds directory: what has to change, and that does it', async (t) => {
  const site = await runningSite(t);
  const { sandbox, unit, builds, app } = site;
  await sandbox.run('sh', '-ec', `cd ${builds}; rm current; mv ${first} current`);
  const directory = await refused(sandbox, unit);
  assert.is(directory.code, 1);
  assert.match(directory.message, `${builds}/current is a directory; it has to be a link to a build beside it`);
  await typeCommands(sandbox, directory.mend);
  assert.match((await currentLink(site)) ?? '', /^dist\.\d{8}-\d{6}$/);
  await until('it serves', async () => (await whoServes(site)) !== null);
  assert.is((await init(sandbox, unit)).code, 0);
  // As Capistrano and others lay it out.
  await sandbox.run('rm', '-r', '/etc/cutover');
  await sandbox.run(
    'sh',
    '-ec',
    `cd ${builds}; mkdir ../releases; mv dist.* ../releases/2026; ln -sfn ../releases/2026 current`,
  );
  const outside = await refused(sandbox, unit);
  assert.match(outside.message, `current leads to /srv/${app}/releases/2026; it has to be`);
  await typeCommands(sandbox, outside.mend);
  assert.match((await currentLink(site)) ?? '', /^dist\.\d{8}-\d{6}$/);
  await until('it serves', async () => (await whoServes(site)) !== null);
  const called = await init(sandbox, unit);
  assert.is(called.code, 0, called.stderr);
});

test('another builds directory than the one that the unit names', async (t) => {
  const { sandbox, unit, builds, app } = await runningSite(t);
  const other = await refused(sandbox, unit, '--builds', '/srv');
  assert.equal([other.code, other.message], [1, `${unit} runs in ${builds}/current, not below /srv`]);
  await sandbox.run('ln', '-s', builds, `/srv/${app}/alias`);
  assert.is((await init(sandbox, unit, '--builds', `/srv/${app}/alias`)).code, 0, 'the same one by another name');
});

test('a socket holds the port: the file that is written says so', async (t) => {
  const { sandbox, unit, app } = await runningSite(t);
  const socket = `${app}.socket`;
  await writeFile(sandbox.hostPath(`${unitDirectory}/${socket}`), `[Socket]\nListenStream=127.0.0.1:9800\n`);
  t.cleanup(async () => {
    await sandbox.run('systemctl', 'stop', unit, socket);
    await sandbox.run('rm', `${unitDirectory}/${socket}`);
    await sandbox.run('systemctl', 'daemon-reload');
  });
  await sandbox.run('systemctl', 'daemon-reload');
  // A socket that is not in use holds nothing.
  await sandbox.run('systemctl', 'stop', unit);
  await sandbox.run('systemctl', 'start', socket);
  await sandbox.run('systemctl', 'start', unit);
  const called = await sandbox.cutover(['init', unit, '--json']);
  assert.is(called.code, 0, called.stderr);
  assert.match(await textOf(sandbox, machineConfig), '\nstrategy = "socket"  # ');
});

test('a file that is there already is never replaced; what to do depends on what it is', async (t) => {
  const { sandbox, unit, app, builds } = await runningSite(t);
  const path = sandbox.hostPath(machineConfig);
  await mkdir(sandbox.hostPath('/etc/cutover'));
  const target = (name: string, other: string, folder: string): string =>
    `app = "${app}"\n[targets.${name}]\nunit = "${other}"\nbuilds = "${folder}"\n`;
  const cases: [text: string, message: string, mend: string][] = [
    ['not toml', 'is no configuration that can be read', `mv ${machineConfig} ${machineConfig}.saved`],
    [target('live', unit, builds), `with ${unit} as its target live`, 'cutover check live'],
    [
      target('production', 'b.service', '/srv/b'),
      'has a target production already, for b.service',
      '--target ANOTHER-NAME',
    ],
    [target('live', 'b.service', builds), `${builds} belongs to the target live`, 'a builds directory of its own'],
    [`manager = "user"\n${target('live', 'b.service', '/srv/b')}`, "a user's own manager", '--output FILE'],
    [
      target('staging', 'b.service', '/srv/b'),
      'has no target production yet',
      `[targets.production]\n     unit = "${unit}"`,
    ],
  ];
  for (const [text, message, mend] of cases) {
    await writeFile(path, text);
    const found = await refused(sandbox, unit);
    assert.equal([found.code, found.kind], [1, 'refused'], text);
    assert.ok(found.message.includes(message), found.message);
    assert.ok(found.mend.includes(mend), found.mend);
    assert.is(await textOf(sandbox, machineConfig), text);
  }
  const lines = (await refused(sandbox, unit)).mend.split('\n').slice(2);
  await writeFile(path, `${await textOf(sandbox, machineConfig)}\n${lines.join('\n')}\n`);
  const checked = await sandbox.cutover(['config', '--check', '--json']);
  assert.equal(JSON.parse(checked.stdout).targets, ['staging', 'production'], checked.stderr);
  assert.match((await refused(sandbox, unit)).message, `with ${unit} as its target production`);
});

test("a plain user and the system's unit: the port is not to be seen, and nothing of the machine's may be written", async (t) => {
  const { sandbox, unit, port } = await runningSite(t);
  const user = await plainUser();
  const own = `${user.home}/.config/cutover/cutover.toml`;
  t.cleanup(() => sandbox.run('rm', '-f', own));
  const hidden = await refused(user.sandbox, unit);
  assert.equal([hidden.code, hidden.kind], [77, 'permission']);
  assert.match(hidden.message, 'runs as root, so its port cannot be seen by another user');
  assert.match(hidden.mend, 'run with sudo; or say the port');
  const words = [unit, '--port', String(port)];
  for (const more of [['--output', machineConfig], ['--install']]) {
    const { code, kind, mend } = await refused(user.sandbox, ...words, ...more);
    assert.equal([code, kind], [77, 'permission']);
    assert.match(mend, 'sudo');
  }
  assert.is((await sandbox.exec(['test', '-e', own])).code, 1, 'the half that was allowed was written');
  const called = await init(user.sandbox, ...words);
  assert.equal([called.code, called.document.files[0]?.path], [0, own], called.stderr);
});

test('a disk that is full or read-only: told, and nothing is left behind', async (t) => {
  const { sandbox, unit } = await runningSite(t);
  await mkdir(sandbox.hostPath('/etc/cutover'));
  await chmod(sandbox.hostPath('/etc/cutover'), 0o755);
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=4k,ro', 'tmpfs', '/etc/cutover');
  t.cleanup(() => sandbox.exec(['umount', '--lazy', '/etc/cutover']));
  const readOnly = await refused(sandbox, unit);
  assert.equal([readOnly.code, readOnly.kind], [77, 'permission']);
  await sandbox.run('mount', '-o', 'remount,rw', '/etc/cutover');
  await sandbox.run('sh', '-c', 'head -c 4096 /dev/zero > /etc/cutover/full');
  const full = await refused(sandbox, unit);
  assert.equal([full.code, full.kind], [1, 'disk']);
  assert.is(await sandbox.run('ls', '-A', '/etc/cutover'), 'full');
});

let others = 0;

/** A unit beside the site's, in the same build, with a script of its own. */
async function startOther(
  t: TestContext,
  sandbox: Site['sandbox'],
  { app, script, builds }: { app: string; script: string; builds: string },
): Promise<string> {
  others += 1;
  const unit = `${app}-other${others}.service`;
  const file = `${unitDirectory}/${unit}`;
  const text = `[Service]\nType=exec\nWorkingDirectory=${builds}/current\nExecStart=${process.execPath} -e "${script}"\n`;
  await writeFile(sandbox.hostPath(file), text);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', unit);
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', unit]);
    await sandbox.run('rm', file);
  });
  return unit;
}

/** The service of the site as somebody has it who never heard of builds: in a folder, on port 9900. */
async function startPlain(t: TestContext, { sandbox, builds }: Site, command: string): Promise<string> {
  const unit = 'plain.service';
  const file = `${unitDirectory}/${unit}`;
  await sandbox.run('sh', '-ec', `mkdir -p /srv/plain; cp -a ${builds}/${first} /srv/plain/app`);
  const text = unitFile({ buildsDir: '/srv', port: 9900, node: process.execPath })
    .replace(/^WorkingDirectory=.*$/m, 'WorkingDirectory=/srv/plain/app')
    .replace(/^ExecStart=.*$/m, `ExecStart=${command}`);
  await writeFile(sandbox.hostPath(file), text);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', unit);
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', unit]);
    for (const path of [file, `${file}.d`, '/srv/plain', '/var/lib/cutover/plain'])
      await rm(sandbox.hostPath(path), { recursive: true, force: true });
  });
  await until('it listens', async () => (await sandbox.run('ss', '-Hltn')).includes(':9900'));
  return unit;
}
