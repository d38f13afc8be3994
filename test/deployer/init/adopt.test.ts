// needs: sandbox
// deadline: 10min
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { sandboxFor } from '../../sandboxed.ts';
import { suite } from '../../suite.ts';
import { startLoad } from '../../deploy/load.ts';
import { plainUser } from '../../deploy/plain-user.ts';
import { calledFrom, until } from '../../deploy/site.ts';
import { appFile, unitFile } from '../../services/builds.ts';
import { adopt, everything, plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';

const test = suite('deployer/init adopt', { timeoutMs: 300_000 });

test('a service in a plain directory: one restart, a deploy and a rollback work, and it goes back', async (t) => {
  // The port is closed long enough for anybody to see it.
  const lines = ['ExecStartPre=/bin/sleep 0.5'];
  const site = await plainSite(t, { start: `${process.execPath} /srv/plain/app/app.mjs`, lines });
  const { sandbox, unit, source, builds, config } = site;
  const restarts = ['systemctl', 'show', '--property=ExecMainStartTimestampMonotonic,NRestarts', unit] as const;
  const began = await sandbox.run(...restarts);
  const before = await everything(site);
  const dry = await adopt(site, '--dry-run');
  assert.is(dry.code, 0, dry.stderr);
  assert.match(dry.document.commands.join('\n'), `systemctl restart ${unit}`);
  assert.equal([await everything(site), await sandbox.run(...restarts)], [before, began], 'a dry run changes nothing');
  const called = await adopt(site);
  assert.is(called.code, 0, called.stderr);
  const { build, from, to } = called.document.adopted ?? { build: '', from: '', to: '' };
  assert.equal([from, to], [source, `${builds}/current`]);
  assert.ok((called.document.downtime_ms ?? 0) > 0);
  assert.is(await servedFrom(site), `${builds}/${build}`);
  assert.match(called.document.notes.join(), `${source} is as it was`);
  const again = await adopt(site);
  assert.equal([again.code, again.document.adopted], [0, null], again.stderr);
  const checked = await sandbox.cutover(['check', 'production', '--json']);
  assert.is(checked.code, 0, checked.stdout);
  const next = 'dist.20991231-000000';
  await sandbox.run('cp', '-a', `${builds}/${build}`, `${builds}/${next}`);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, next], deployed.stderr);
  const back = calledFrom(await sandbox.cutover(['rollback', '--json']));
  assert.equal([back.code, back.document.active], [0, build], back.stderr);
  const undone = await adopt(site, '--undo');
  assert.is(undone.code, 0, undone.stderr);
  assert.match(undone.document.notes.join(), `which does not fit ${unit} any more`);
  assert.is((await sandbox.cutover(['deploy'])).code, 1);
  assert.is(await servedFrom(site), source);
  await sandbox.run('rm', '-r', builds, '/etc/cutover');
  assert.is(await everything(site), before, 'builds and configuration were all that was left');
  assert.match((await refusedAdoption(site, '--undo')).message, 'was not moved by cutover init --adopt');
  assert.is((await sandbox.exec(['test', '-e', config])).code, 1);
});

test('builds behind a link that the service may change are refused before anything is begun', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  const make =
    'mkdir -p /srv/plain/theirs /srv/plain/real; ln -s ../real /srv/plain/theirs/data; chown -h daemon: /srv/plain/theirs /srv/plain/theirs/data';
  await sandbox.run('sh', '-ec', make);
  const before = await everything(site);
  const said = await refusedAdoption(site, '--builds', '/srv/plain/theirs/data/builds');
  assert.equal([said.code, said.kind], [1, 'refused'], said.message);
  assert.match(
    said.message,
    '/srv/plain/theirs/data is no directory, or a link that another user than root may have put there',
  );
  assert.is(await everything(site), before);
  assert.is((await adopt(site)).code, 0, `nothing is left of it for ${unit}`);
  assert.not.equal(await servedFrom(site), source);
});

test('what the service writes stays where it is, in one place for all builds', async (t) => {
  const site = await plainSite(t, { lines: ['Environment=SEEN=/srv/plain/app/data/seen'] });
  const { sandbox, source, builds, unit } = site;
  await sandbox.run(
    'sh',
    '-c',
    `cd ${source}; echo one > data/app.sqlite; mkdir -p lib/cache; echo x > lib/cache/now.db`,
  );
  const before = await everything(site);
  const unshared = await refusedAdoption(site);
  assert.equal([unshared.code, unshared.kind], [1, 'refused']);
  const shared = await refusedAdoption(site, '--shared', 'data');
  assert.match(shared.mend, `cutover init ${unit} --adopt --shared data --shared lib/cache`);
  for (const words of [
    ['--shared', '../other'],
    ['--shared', 'nothing'],
  ]) {
    const { code } = await refusedAdoption(site, ...words);
    assert.ok(code === 64 || code === 1, words.join(' '));
  }
  assert.is(await everything(site), before);
  const called = await adopt(site, '--shared', 'data', '--shared', 'lib/cache');
  assert.is(called.code, 0, called.stderr);
  const current = `${builds}/current`;
  assert.is(await sandbox.run('readlink', `${current}/data`), `${source}/data`);
  await sandbox.run('sh', '-c', `echo two >> ${current}/data/app.sqlite`);
  assert.is(await sandbox.run('cat', `${source}/data/app.sqlite`), 'one\ntwo');
  assert.is(await sandbox.run('readlink', `${current}/lib/cache`), `${source}/lib/cache`);
  assert.is((await adopt(site, '--undo')).code, 0);
});

test('owners, modes and links of the copy are those of the directory', async (t) => {
  const site = await plainSite(t);
  const { sandbox, source, builds } = site;
  const make = [
    `cd ${source}; mkdir -p bin; echo x > bin/tool; chmod 750 bin/tool; chown daemon:adm bin/tool`,
    'ln -s tool bin/alias; ln -s /etc/hostname outside; ln app.mjs second.mjs; chown daemon: .; touch -d 2020-01-01 bin/tool bin app.mjs',
    'mkdir -p "odd \\"name\\" -x"; touch -d 2020-01-01 "odd \\"name\\" -x/--file" -- --top',
  ].join('; ');
  await sandbox.run('sh', '-c', make);
  await sandbox.run('systemctl', 'restart', site.unit);
  await until('it serves', async () => (await servedFrom(site)) === source);
  const look = (place: string): Promise<string> =>
    sandbox.run('sh', '-c', `cd ${place} && find . -printf '%p %y %m %u %g %l %n\\n' | sort`);
  const before = await look(source);
  const called = await adopt(site);
  assert.is(called.code, 0, called.stderr);
  assert.is(await look(`${builds}/current/`), before);
  assert.is(await look(source), before, 'the directory is as it was');
});

test('it does not serve from there: everything is as before, and that is proven', async (t) => {
  // It starts in the old directory alone.
  const start = `${process.execPath} -e "if (process.cwd() !== '/srv/plain/' + 'app') process.exit(3); import('/srv/plain/' + 'app/app.mjs')"`;
  const site = await plainSite(t, { start });
  const { source } = site;
  const before = await everything(site);
  const called = await refusedAdoption(site);
  assert.equal([called.code, called.kind], [4, 'taken_back'], called.message);
  assert.match(called.message, `it serves from ${source} again, as before`);
  assert.is(await servedFrom(site), source);
  assert.is(await everything(site), before);
});

test('under load: while it moves, and moves back, some find the port closed, and nobody gets a wrong answer', async (t) => {
  const site = await plainSite(t);
  const { builds, source } = site;
  const load = await startLoad(t, site);
  const called = await adopt(site);
  assert.is(called.code, 0, called.stderr);
  assert.match((await servedFrom(site)) ?? '', `${builds}/dist.`);
  const undone = await adopt(site, '--undo');
  assert.is(undone.code, 0, undone.stderr);
  assert.is(await servedFrom(site), source);
  const { sent, failed } = await load.end();
  const wrong = failed.filter((what) => !/^ECONN(REFUSED|RESET)$|^socket hang up$/.test(what));
  assert.equal(wrong, [], `${failed.length} of ${sent} failed`);
  // One is sent each 10 ms, so this many met a port that was closed, however long a slow machine took.
  const met = ((called.document.downtime_ms ?? 0) + (undone.document.downtime_ms ?? 0)) / 10;
  assert.ok(failed.length < met + sent / 2, `${failed.length} of ${sent} failed, ${met} of them while it was closed`);
});

test('what cannot be moved for sure is refused before anything is changed', async (t) => {
  const refusals: [what: string, site: Parameters<typeof plainSite>[1], make: string, message: string][] = [
    [
      'a shell',
      { start: `/bin/sh -c "exec ${process.execPath} /srv/plain/app/app.mjs"` },
      '',
      'has a shell find its program',
    ],
    [
      'another setting',
      { lines: ['EnvironmentFile=-/srv/plain/app/.env'] },
      '',
      'EnvironmentFile=-/srv/plain/app/.env of',
    ],
    ['a link that names it', {}, 'ln -s /srv/plain/app/app.mjs link', 'names itself in full'],
    [
      'an environment of Python',
      {},
      'mkdir venv; touch -d 2020-01-01 venv/pyvenv.cfg',
      'names itself in full, and a copy of it would too: venv',
    ],
    [
      'builds that are there',
      {},
      'mkdir -p ../app-builds; touch ../app-builds/mine',
      'is there already, and is not empty',
    ],
  ];
  for (const [what, options, make, message] of refusals) {
    const site = await plainSite({ ...t, cleanup: (undo) => t.cleanup(undo) }, options);
    const { sandbox, source } = site;
    if (make !== '') await sandbox.run('sh', '-c', `cd ${source}; ${make}`);
    const before = await everything(site);
    const served = await sandbox.run('systemctl', 'show', '--property=InvocationID', site.unit);
    const found = await refusedAdoption(site);
    assert.equal([found.code, found.kind], [1, 'refused'], what);
    assert.match(found.message, message);
    assert.ok(found.mend.length > 10, what);
    assert.is(await everything(site), before, what);
    assert.is(await sandbox.run('systemctl', 'show', '--property=InvocationID', site.unit), served, what);
    await sandbox.run('sh', '-c', `systemctl stop ${site.unit}; rm -rf /srv/plain`);
  }
});

test('two services in one directory, one that does not run, words that do not go together', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  const other = '/etc/systemd/system/beside.service';
  await writeFile(sandbox.hostPath(other), `[Service]\nWorkingDirectory=${source}/data\nExecStart=/bin/sleep 600\n`);
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', 'beside.service']);
    await sandbox.run('rm', '-f', other);
  });
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', 'beside.service');
  assert.match((await refusedAdoption(site)).message, `beside.service runs in ${source}, too`);
  await sandbox.run('systemctl', 'stop', 'beside.service');
  for (const words of [['--install'], ['--strategy', 'socket']])
    assert.is((await refusedAdoption(site, ...words)).code, 64);
  for (const words of [['--undo'], ['--shared', 'data']])
    assert.is((await sandbox.cutover(['init', unit, ...words])).code, 64, words.join(' '));
  assert.is((await sandbox.cutover(['init', '--adopt'])).code, 64);
  await sandbox.run('systemctl', 'stop', unit);
  const stopped = await refusedAdoption(site, '--port', '9950');
  assert.equal([stopped.code, stopped.mend], [1, `systemctl start ${unit}, and again`]);
});

test('a place without room, one in the directory itself, a configuration that is there already', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, config } = site;
  await sandbox.run('sh', '-c', 'mkdir /srv/plain/small; mount -t tmpfs -o size=1M tmpfs /srv/plain/small');
  t.cleanup(() => sandbox.exec(['umount', '/srv/plain/small']));
  const small = await refusedAdoption(site, '--builds', '/srv/plain/small/builds');
  assert.equal([small.code, /the copy takes .* and \/srv\/plain\/small has room for/.test(small.message)], [1, true]);
  const inside = await refusedAdoption(site, '--builds', `${source}/builds`);
  assert.match(inside.message, `lies in ${source}, which is copied there`);
  const own = '/srv/plain/elsewhere';
  const lines = ['app = "plain"', '[targets.live]', `unit = "${unit}"`, `builds = "${own}"`, 'port = 9950', ''];
  await sandbox.run('mkdir', '-p', '/etc/cutover');
  await writeFile(sandbox.hostPath(config), lines.join('\n'));
  const called = await adopt(site);
  assert.equal(
    [called.code, called.document.target, called.document.adopted?.to],
    [0, 'live', `${own}/current`],
    called.stderr,
  );
  assert.match((await servedFrom(site)) ?? '', `${own}/dist.`);
  assert.is(await sandbox.run('cat', config), lines.join('\n').trimEnd());
  await writeFile(sandbox.hostPath(config), `${lines.join('\n')}strategy = "socket"\n`);
  const held = await refusedAdoption(site, '--undo');
  assert.equal([held.code, held.mend], [1, `cutover init ${unit} --strategy restart, and again`]);
  await writeFile(sandbox.hostPath(config), lines.join('\n'));
  assert.is((await adopt(site, '--undo')).code, 0);
});

test("under the user's manager: adopted, deployed, and back", async (t) => {
  const user = await plainUser();
  const { sandbox } = user;
  const [unit, source] = ['mine.service', `${user.home}/mine`];
  const units = `${user.home}/.config/systemd/user`;
  await sandbox.run('mkdir', '-p', source, units);
  await writeFile(sandbox.hostPath(`${source}/app.mjs`), await readFile(appFile));
  const service = unitFile({ buildsDir: source, port: 9960, node: process.execPath });
  await writeFile(
    sandbox.hostPath(`${units}/${unit}`),
    service.replace(/^WorkingDirectory=.*$/m, `WorkingDirectory=${source}`),
  );
  await user.own();
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', unit]);
    await sandbox.run('sh', '-c', `rm -rf ${units}/${unit}* ${source}* ${user.home}/.config/cutover`);
    await sandbox.run('systemctl', 'daemon-reload');
  });
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', unit);
  const site = { sandbox, unit, port: 9960, source, builds: `${source}-builds`, config: '' };
  await until('it serves', async () => (await servedFrom(site)) === source);
  // The copy breaks off at what may not be read: nothing of it is left, and nothing was restarted.
  const root = await sandboxFor();
  const hidden = `${source}/hidden`;
  await root.run('sh', '-c', `echo x > ${hidden}; chmod 600 ${hidden}; touch -d 2020-01-01 ${hidden}`);
  const began = await sandbox.run('systemctl', 'show', '--property=InvocationID', unit);
  const broken = await refusedAdoption(site, '--user');
  assert.equal([broken.code, broken.kind], [77, 'permission'], broken.message);
  assert.is((await sandbox.exec(['test', '-e', site.builds])).code, 1);
  assert.is(await sandbox.run('systemctl', 'show', '--property=InvocationID', unit), began);
  await root.run('rm', hidden);
  const called = await adopt(site, '--user');
  assert.is(called.code, 0, called.stderr);
  assert.match((await servedFrom(site)) ?? '', `${site.builds}/dist.`);
  assert.is((await sandbox.cutover(['check', 'production'])).code, 0);
  assert.is((await adopt(site, '--user', '--undo')).code, 0);
  assert.is(await servedFrom(site), source);
});
