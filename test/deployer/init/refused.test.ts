// needs: sandbox
// deadline: 10min
import { rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { StrategyReport } from '../../../lib/deployer/init/strategy.ts';
import { clearAfter, init, machineConfig, refused, textOf } from '../../deploy/initiating.ts';
import { plainUser } from '../../deploy/plain-user.ts';
import { heldSite, startDeploy, untilBegun } from '../../deploy/running.ts';
import { buildId, calledFrom, makeSite, pointCurrent, type Refusal, until } from '../../deploy/site.ts';
import { makeSocketSite } from '../../deploy/socket-site.ts';
import { assertSound, whoServes } from '../../deploy/sound.ts';
import { suite } from '../../suite.ts';
import { badFindings, change, everything, holdersOf, refusedChange } from './strategy-site.ts';

const test = suite('deployer/init strategy refused', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

test('a word that is no strategy, no unit, two commands at once: exit 64', async (t) => {
  const site = await makeSite(t);
  const before = await everything(site);
  assert.match((await refusedChange(site, 'blue')).message, '--strategy');
  assert.is((await refusedChange(site, 'blue')).code, 64);
  const install = await refusedChange(site, 'socket', '--install');
  assert.equal([install.code, install.kind], [64, 'usage']);
  const none = await refused(site.sandbox, '--strategy', 'socket', '--config', site.config);
  assert.equal([none.code, none.message], [64, '--strategy is about a unit, and none is named']);
  await writeFile(site.sandbox.hostPath(site.config), 'app = 3\n');
  assert.is((await refusedChange(site, 'socket')).code, 78);
  await site.configure({});
  assert.is(await everything(site), before);
  await assertSound(site, first);
});

test('no configuration at all: it is written with the strategy, and goes again when the program cannot', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit } = site;
  clearAfter(t, sandbox);
  const called = await init<StrategyReport>(sandbox, unit, '--strategy', 'socket');
  assert.equal([called.code, called.document.strategy.to], [0, 'socket'], called.stderr);
  assert.match(await textOf(sandbox, machineConfig), 'strategy = "socket"');
  assert.equal(called.document.next, ['cutover check production', 'cutover deploy production']);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.strategy, deployed.document.active], [0, 'socket', second]);
  assert.is((await init(sandbox, unit, '--strategy', 'restart')).code, 0);
  assert.not.match(await textOf(sandbox, machineConfig), /^strategy/m);
  const deaf = await makeSite(t, {
    service: [`ExecStart=\nExecStart=/usr/bin/env -u LISTEN_FDS ${process.execPath} app.mjs`],
  });
  const output = '/etc/cutover/other.toml';
  assert.is((await refused(sandbox, deaf.unit, '--strategy', 'socket', '--output', output)).code, 4);
  assert.is((await sandbox.exec(['test', '-e', output])).code, 1);
  const foreign = await refused(sandbox, deaf.unit, '--strategy', 'socket');
  assert.match(foreign.message, `has a target production already, for ${unit}`);
});

test('files and sockets of somebody else are left alone', async (t) => {
  const site = await makeSite(t);
  const path = site.sandbox.hostPath(`/etc/systemd/system/${site.app}.socket`);
  await writeFile(path, '[Socket]\nListenStream=127.0.0.1:9990\n');
  t.cleanup(() => rm(path, { force: true }));
  const before = await everything(site);
  const file = await refusedChange(site, 'socket');
  assert.equal([file.code, file.kind], [1, 'refused']);
  assert.match(file.message, `${site.app}.socket is there already, and cutover did not write it; nothing was changed`);
  assert.is(await everything(site), before);
  const shared = await makeSocketSite(t);
  const kept = await everything(shared);
  for (const strategy of ['overlap', 'restart']) {
    const { code, message } = await refusedChange(shared, strategy);
    assert.is(code, 1);
    assert.match(message, `${shared.app}.socket`);
  }
  assert.is(await everything(shared), kept);
  await assertSound(shared, first);
});

test('what a unit lacks for it is said before anything is restarted', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit } = site;
  const served = await whoServes(site);
  const beside = `/etc/systemd/system/${unit}.d/own.conf`;
  await sandbox.run('mkdir', '-p', `/etc/systemd/system/${unit}.d`);
  t.cleanup(() => sandbox.run('rm', '-rf', `/etc/systemd/system/${unit}.d`));
  const rows: [lines: string, strategy: string, message: string][] = [
    ['[Unit]\nRefuseManualStart=yes', 'socket', 'RefuseManualStart=yes'],
    [`[Unit]\nConflicts=${site.app}.socket`, 'socket', `Conflicts=${site.app}.socket`],
    ['[Service]\nPIDFile=/run/x.pid', 'overlap', 'PIDFile=/run/x.pid'],
    [
      '[Service]\nDynamicUser=yes\nStateDirectory=shop',
      'overlap',
      'DynamicUser=yes without User=: the second would be another user, and be given shop',
    ],
    [`[Service]\nWorkingDirectory=/srv//${site.app}//builds/current`, 'overlap', ''],
  ];
  for (const [lines, strategy, message] of rows) {
    await writeFile(sandbox.hostPath(beside), `${lines}\n`);
    await sandbox.run('systemctl', 'daemon-reload');
    const before = await everything(site);
    const found = await change<StrategyReport & Partial<Refusal>>(site, strategy);
    if (message === '') assert.is(found.code, 0, found.stderr);
    else {
      assert.equal([found.code, found.document.error?.code], [1, 'refused'], found.stderr);
      assert.match(found.document.error?.message ?? '', message);
      assert.is(await everything(site), before, lines);
      assert.equal(await whoServes(site), served, 'restarted');
    }
  }
  assert.is((await change(site, 'restart')).code, 0);
  await rm(sandbox.hostPath(beside));
  await sandbox.run('systemctl', 'daemon-reload');
  await pointCurrent(site, second);
  const moved = await refusedChange(site, 'socket');
  assert.equal([moved.code, moved.message], [1, `${unit} runs ${first}, but current names ${second}`]);
  await pointCurrent(site, first);
  await sandbox.run('systemctl', 'stop', unit);
  const stopped = await refusedChange(site, 'socket');
  assert.match(stopped.message, `${unit} is not running (inactive)`);
  assert.match(stopped.mend, `systemctl status ${unit}`);
});

test('a program that says nothing and takes no connections is seen, too', async (t) => {
  const site = await makeSite(t, { builds: [{}] });
  const quiet = `require('node:http').createServer((_, r) => r.end('{"status":"healthy"}')).on('error', () => setInterval(() => {}, 1000)).listen(${site.port})`;
  await writeFile(
    site.sandbox.hostPath(`${site.builds}/${first}/app.mjs`),
    `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n${quiet};\n`,
  );
  await site.configure({ tables: { start: ['timeout = "10s"'] } });
  await site.sandbox.run('systemctl', 'restart', site.unit);
  await until('it listens', async () => (await holdersOf(site)).includes('node'));
  const before = await everything(site);
  const { code, kind, message, mend } = await refusedChange(site, 'socket');
  assert.equal([code, kind], [4, 'taken_back'], message);
  assert.match(message, `did not take connections from the socket of port ${site.port} within 10 s`);
  assert.match(mend, 'the program opens its port itself: let the program listen on the socket');
  assert.equal([await everything(site), await holdersOf(site)], [before, ['node']]);
});

test('while a run goes on: exit 75, and what to type is no option that init does not have', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const { sandbox, unit, config } = site;
  for (const words of [['--strategy', 'socket'], ['--adopt'], ['--adopt', '--undo']]) {
    const said = await refused(sandbox, unit, ...words, '--config', config);
    assert.equal([said.code, said.kind], [75, 'locked'], said.message);
    assert.match(said.message, /^another run holds .*deploy of .*; nothing was changed$/);
    assert.match(said.mend, /^cutover status.*; once that run has ended, the same command again$/);
  }
  const { code, stderr } = await run.end();
  assert.is(code, 0, stderr);
  await assertSound(site, second);
});

test('without root: refused on the system manager, and all of it on the own one', async (t) => {
  const user = await plainUser();
  const site = await makeSite(t);
  const before = await everything(site);
  const words = ['init', site.unit, '--strategy', 'socket', '--config', site.config, '--json'];
  const denied = calledFrom<Refusal>(await user.sandbox.cutover(words));
  assert.equal([denied.code, denied.document.error?.code], [77, 'permission'], denied.stderr);
  assert.is(await everything(site), before);
  await assertSound(site, first);

  const own = await makeSite(t, { user, builds: [{}, {}] });
  const kept = await everything(own);
  const called = await change(own, 'overlap', '--user');
  assert.equal([called.code, called.document.notes], [0, []], called.stderr);
  assert.ok(called.document.commands.every((command) => command.startsWith('systemctl --user ')));
  assert.equal(await badFindings(own), []);
  const deployed = await own.call('deploy');
  assert.equal([deployed.code, deployed.document.strategy, deployed.document.active], [0, 'overlap', second]);
  assert.is((await change(own, 'restart')).code, 0);
  assert.is(await everything(own), kept);
  const lost = await own.sandbox.cutover(['init', own.unit, '--strategy', 'socket', '--config', own.config, '--json'], {
    env: { XDG_RUNTIME_DIR: '/run/nowhere' },
  });
  assert.is(calledFrom<Refusal>(lost).code, 69);
  await assertSound(own, second);
});
