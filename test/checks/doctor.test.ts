import * as assert from 'uvu/assert';
import type { Finding } from '../../lib/checks/check.ts';
import { askDoctor, examine, rules } from '../../lib/checks/doctor.ts';
import { missingPrograms } from '../../lib/checks/doctor/programs.ts';
import { leadsInto } from '../../lib/checks/doctor/whereabouts.ts';
import { shortestQueue } from '../../lib/checks/doctor/queue.ts';
import { suite } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';
import { build, builds, type Changes, patientWith } from './patient.ts';

const test = suite('checks/doctor');
const standIn = `app-next@${build}.service`;
const stopped = (tookMs: number, closedMs: number | null): Changes['lastRun'] => ({
  run: 'R',
  stop: { step: closedMs === null ? 'retire' : 'stop', tookMs, closedMs },
  restartMs: null,
});
const restarted = (restartMs: number): Changes['lastRun'] => ({ run: 'R', stop: null, restartMs });

function findings(rule: string, changes: Changes = {}): Finding[] {
  return examine(patientWith(changes)).filter((finding) => finding.rule === rule);
}

type Row = [rule: string, changes: Changes, status: Finding['status'], observed: string, mend: string | null];

function hold(rows: Row[]): void {
  for (const [rule, changes, status, observed, mend] of rows) {
    const about = `${rule} ${JSON.stringify(changes)}`;
    const found = findings(rule, changes);
    assert.is(found.length, 1, `${about}: ${JSON.stringify(found)}`);
    const [first] = found;
    assert.equal([first?.status, first?.observed], [status, observed], about);
    if (mend === null) assert.is(first?.mend, null, about);
    else assert.match(first?.mend ?? '', mend, about);
    assert.ok(first?.expected, about);
  }
}

const service = (...lines: string[]): string =>
  ['systemctl edit app.service, and write:', '[Service]', ...lines].join('\n');

const hangs = (unit: string): string =>
  `NonBlocking=no in ${unit}: a process that loses the race for a connection hangs`;
const askedOf = (strategy: Changes['strategy']): string[] =>
  examine(patientWith({ strategy })).map(({ rule, status, mend }) => `${rule} ${status}${mend ?? ''}`);
const allPass = (names: string[]): string[] => names.map((name) => `${name} pass`);
const inDirectory = (workingDirectory: string): Changes => ({ facts: { workingDirectory } });
const withCommand = (setting: string, ...argv: string[]): Changes => ({ setup: { commands: [{ setting, argv }] } });
const inEnvironment = (...entries: string[]): Changes => ({ setup: { environment: entries } });
const takeOut = (unit: string, other: string, setting: string): string =>
  `systemctl edit --full ${unit}, and take ${other} out of:\n[Unit]\n${setting}=`;
const inUnit = (line: string): string => `systemctl edit app.service, and write:\n[Unit]\n${line}`;
const standingIn = (changed: NonNullable<Changes['standIn']>): Changes => ({ strategy: 'overlap', standIn: changed });
const queueOf = (backlog: number, more: Changes = {}): Changes => ({
  strategy: 'socket',
  socket: { backlog },
  ...more,
});
const madeUser = (standInUser: string | null, setup: Changes['setup'] = { ownDirectories: ['app'] }): Changes => ({
  strategy: 'overlap',
  facts: { user: 'app' },
  standIn: { user: standInUser },
  dynamic: [true, true],
  setup,
});
const kernelQueue = (length: number | null, most = 4096): Changes => ({ queue: { kernel: length, most } });

test('S12: nothing is said about a sound unit, with any strategy', () => {
  const always = [
    'pinned_build',
    'working_directory',
    'in_builds',
    'programs',
    'readiness',
    'stopping',
    'restarting',
    'daemon_reload',
  ];
  assert.equal(askedOf('restart'), allPass([...always, 'start_limit']));
  assert.equal(askedOf('socket'), allPass([...always, 'together', 'start_limit', 'non_blocking', 'backlog']));
  const ofStandIn = ['start_limit', 'stand_in', 'non_blocking', 'backlog'];
  assert.equal(askedOf('overlap'), allPass([...always, 'together', ...ofStandIn]));
  assert.equal(new Set(askedOf('overlap').map((text) => text.split(' ')[0])), new Set(rules.map(({ name }) => name)));
});

test('S12: a program that is not there', async () => {
  const missing = [{ setting: 'ExecStart', path: '/usr/bin/nodex' }];
  const mend = 'ls -l /usr/bin/nodex; systemctl edit --full app.service';
  hold([['programs', { missing }, 'fail', 'ExecStart= starts /usr/bin/nodex, which is not there', mend]]);
  const [lacking, there] = ['/usr/lib/nodex/bin', '/usr/bin/env'];
  assert.equal(await lackingOf('ExecStart', lacking), [{ setting: 'ExecStart', path: lacking }]);
  assert.is((await lackingOf('ExecStartPre', lacking)).length, 1);
  assert.equal(await lackingOf('ExecReload', lacking), []);
  // Where a unit may have folders of its own it cannot be told.
  for (const path of ['node', there, `${builds}/current/none`, '/run/none', '/tmp/none'])
    assert.equal(await lackingOf('ExecStart', path), [], path);
  assert.equal(await lackingOf('ExecStart', lacking, { roots: ['/srv/root'] }), []);
  assert.equal(await lackingOf('ExecStart', lacking, { prefix: '-' }), []);
  assert.equal(await lackingOf('ExecStart', lacking, { bound: [['/a', '/b', false, 0]] }), []);
});

async function lackingOf(
  setting: string,
  path: string,
  { roots = [], prefix = '', bound = [] }: { roots?: string[]; prefix?: string; bound?: unknown[] } = {},
): ReturnType<typeof missingPrograms> {
  const commands = [{ setting, argv: [path, 'x'], prefix }];
  return missingPrograms({ commands, roots }, [builds], async (_, name) => (name === 'BindPaths' ? bound : []));
}

test('S12: a build that is named by its own name', () => {
  const observed = `WorkingDirectory= names ${build}`;
  hold([
    ['pinned_build', inDirectory(`${builds}/current`), 'pass', 'no build is named', null],
    [
      'pinned_build',
      inDirectory(`${builds}/${build}`),
      'fail',
      observed,
      service(`WorkingDirectory=${builds}/current`),
    ],
    ['pinned_build', inDirectory(`${builds}//${build}/web`), 'fail', observed, 'current/web'],
    ['pinned_build', inDirectory(`!/data/builds/${build}`), 'fail', observed, 'WorkingDirectory=/data/builds/current'],
    ['pinned_build', inDirectory(`${builds}/${build}.old`), 'pass', 'no build is named', null],
    ['pinned_build', inDirectory(`${builds}/dist.20269999-000000`), 'pass', 'no build is named', null],
    ['pinned_build', inDirectory(`/elsewhere/${build}`), 'pass', 'no build is named', null],
    ['pinned_build', inDirectory(`/x${builds}/${build}`), 'pass', 'no build is named', null],
    [
      'pinned_build',
      withCommand('ExecStart', '/usr/bin/node', `${builds}/${build}/server.js`, '--port', '$PORT', '50%'),
      'fail',
      `ExecStart= names ${build}`,
      service('ExecStart=', `ExecStart=/usr/bin/node ${builds}/current/server.js --port "$PORT" 50%%`),
    ],
    [
      'pinned_build',
      withCommand('ExecReload', '/bin/x', `--root=${builds}/${build}`),
      'fail',
      `ExecReload= names ${build}`,
      '--root',
    ],
    ['pinned_build', withCommand('ExecStart', '/bin/x', 'dist.x', build), 'pass', 'no build is named', null],
    [
      'pinned_build',
      inEnvironment('A=b', `LIB=${builds}/${build}/lib`),
      'warn',
      `LIB in Environment= names ${build}`,
      'Environment=LIB=',
    ],
  ]);
  const several = [
    { setting: 'ExecStartPre', argv: ['/bin/mkdir', '-p', '/run/app'], prefix: '-' },
    { setting: 'ExecStartPre', argv: [`${builds}/${build}/migrate`, '${URL}'], prefix: '+', calledAs: 'migrate' },
    { setting: 'ExecStart', argv: ['/bin/x'] },
  ];
  const all = ['ExecStartPre=-/bin/mkdir -p /run/app', `ExecStartPre=+@${builds}/current/migrate migrate "\${URL}"`];
  const lines = service('ExecStartPre=', ...all);
  hold([['pinned_build', { setup: { commands: several } }, 'fail', `ExecStartPre= names ${build}`, lines]]);
  const secret = findings('pinned_build', withCommand('ExecStart', `${builds}/${build}/app`, '--password', 'hunter2'));
  assert.is(secret[0]?.status, 'fail');
  assert.not.match(JSON.stringify(secret), 'hunter2');
});

test('S12: a directory that may be missing is none', () => {
  const current = `${builds}/current`;
  hold([
    ['working_directory', {}, 'pass', current, null],
    ['working_directory', inDirectory('~'), 'pass', '~', null],
    [
      'working_directory',
      inDirectory(`!${current}`),
      'fail',
      `WorkingDirectory=-${current}`,
      service(`WorkingDirectory=${current}`),
    ],
  ]);
  assert.equal(findings('working_directory', { facts: { workingDirectory: null } }), []);
});

test('S12: a service that runs elsewhere, whatever is deployed', () => {
  const lines = service(`WorkingDirectory=${builds}/current`);
  const inside = { isNamed: false, running: ['/', '/data/builds/x/app'] };
  const plain = { isNamed: false, running: ['/srv/app', '/usr/bin/node'] };
  const other = { isNamed: false, running: [`/srv/other/${build}`, '/usr/bin/node'] };
  const outside = `app.service runs in /srv/app, and names nothing in ${builds}`;
  const again = 'systemctl daemon-reload, and again';
  const identity = { target: { health: { ...patientWith().target.health, identity: false } } };
  hold([
    ['in_builds', { whereabouts: { running: ['/srv/app'] } }, 'pass', builds, null],
    ['in_builds', { whereabouts: inside }, 'pass', builds, null],
    ['in_builds', { whereabouts: plain }, 'fail', outside, lines],
    ['in_builds', { whereabouts: plain, facts: { needDaemonReload: true } }, 'fail', outside, again],
    [
      'in_builds',
      { whereabouts: other },
      'fail',
      `app.service runs in /srv/other/${build}, and names nothing in ${builds}`,
      `.builds = "/srv/other", if those are its builds; or ${lines}`,
    ],
    [
      'in_builds',
      { whereabouts: { isNamed: false, running: null } },
      'warn',
      `app.service names nothing in ${builds}`,
      lines,
    ],
  ]);
  assert.equal(findings('in_builds', { ...identity, whereabouts: plain }), []);
});

test('S12: what leads into the builds directory, and what only reads so', () => {
  const places = ['/srv/app/builds'];
  for (const text of ['/srv/app/builds', '--root=/srv/app/builds/current', 'A="/srv/app/builds"'])
    assert.ok(leadsInto(text, places), text);
  for (const text of ['/srv/app/builds-old/x', '/x/srv/app/builds.d', '', 'builds'])
    assert.not.ok(leadsInto(text, places), text);
});

test('S12: Type=simple, where nothing else tells that a start went well', () => {
  const simple: Changes = { facts: { type: 'simple' } };
  const mute = { ports: [], health: { ...patientWith().target.health, urls: [] } };
  const exec = service('Type=exec');
  hold([
    ['readiness', simple, 'pass', 'Type=simple', null],
    ['readiness', { ...simple, target: mute }, 'warn', 'Type=simple in app.service', exec],
    ['readiness', { ...simple, target: { ...mute, ports: [80] } }, 'pass', 'Type=simple', null],
    ['readiness', { target: mute }, 'pass', 'Type=exec', null],
    ['readiness', { ...simple, strategy: 'socket' }, 'warn', 'Type=simple in app.service', exec],
    ['readiness', { facts: { type: 'notify' }, strategy: 'socket' }, 'pass', 'Type=notify', null],
    [
      'readiness',
      { strategy: 'overlap', standIn: { type: 'simple' } },
      'warn',
      `Type=simple in ${standIn}`,
      'systemctl edit app-next@.service',
    ],
  ]);
});

test('S5, S12: a stop that leaves something, waits for too long, or was ended by a kill', () => {
  const observed = 'processes that are left keep the port';
  const longer = 'TimeoutStopSec= is 31s, but a deploy waits for 30s (stop.timeout)';
  const sound = 'KillMode=mixed, 10s';
  hold([
    ['stopping', { setup: { killMode: 'control-group' } }, 'pass', 'KillMode=control-group, 10s', null],
    [
      'stopping',
      { setup: { killMode: 'process' } },
      'warn',
      `KillMode=process: ${observed}`,
      service('KillMode=mixed'),
    ],
    ['stopping', { setup: { killMode: 'none' } }, 'warn', `KillMode=none: ${observed}`, service('KillMode=mixed')],
    ['stopping', { setup: { sendsKill: false } }, 'warn', 'SendSIGKILL=no: a process that hangs is never ended', 'yes'],
    ['stopping', { facts: { stopTimeoutMs: 30_000 } }, 'pass', 'KillMode=mixed, 30s', null],
    ['stopping', { facts: { stopTimeoutMs: 90_000 } }, 'pass', 'KillMode=mixed, 90s', null],
    ['stopping', { strategy: 'socket', facts: { stopTimeoutMs: 90_000 } }, 'warn', longer.replace('31s', '90s'), '30s'],
    ['stopping', { facts: { stopTimeoutMs: 31_000 } }, 'warn', longer, service('TimeoutStopSec=30s')],
    [
      'stopping',
      { facts: { stopTimeoutMs: Number.POSITIVE_INFINITY } },
      'warn',
      longer.replace('31s', 'infinity'),
      'TimeoutStopSec=30s',
    ],
    ['stopping', { lastRun: stopped(9_000, 9_000) }, 'pass', sound, null],
    [
      'stopping',
      { lastRun: stopped(10_050, 10_000) },
      'warn',
      'the application never finishes draining: it listened no more, yet was killed after 10.1s (stop, run R)',
      'Connection: close',
    ],
    [
      'stopping',
      { lastRun: stopped(10_050, 3) },
      'warn',
      'the application hangs: it kept its port and was killed after 10.1s (stop, run R)',
      'SIGTERM',
    ],
    [
      'stopping',
      { strategy: 'overlap', lastRun: stopped(10_050, null) },
      'warn',
      'the application did not end by itself: it was killed after 10.1s (retire, run R)',
      'TimeoutStopSec=5s',
    ],
  ]);
});

test('S12: restarts that fight', () => {
  const pause = 'Restart=always without a pause: a crash uses up the start limit within milliseconds';
  hold([
    ['restarting', { facts: { restart: 'no' }, setup: { restartDelayMs: 0 } }, 'pass', 'Restart=no', null],
    ['restarting', { setup: { restartDelayMs: 1 } }, 'pass', 'Restart=always', null],
    ['restarting', { setup: { restartDelayMs: 0 } }, 'warn', pause, service('RestartSec=1s')],
    [
      'restarting',
      { setup: { upheldBy: ['boss.service'] } },
      'warn',
      'boss.service starts app.service again as soon as it stops',
      'systemctl edit --full boss.service, and take app.service out of:\n[Unit]\nUpholds=',
    ],
    [
      'restarting',
      { strategy: 'overlap', standIn: { restart: 'always' } },
      'fail',
      `Restart=always in ${standIn}`,
      'systemctl edit app-next@.service, and write:\n[Service]\nRestart=no',
    ],
  ]);
});

test('S12: a unit file that changed on the disk, of any unit', () => {
  hold([
    ['daemon_reload', { facts: { needDaemonReload: true } }, 'warn', 'the unit file changed on the disk', 'by itself'],
    [
      'daemon_reload',
      { strategy: 'socket', socket: { needDaemonReload: true } },
      'warn',
      'the file of app.socket changed on the disk',
      'systemctl daemon-reload',
    ],
    [
      'daemon_reload',
      { strategy: 'overlap', standIn: { needDaemonReload: true } },
      'warn',
      `the file of ${standIn} changed on the disk`,
      'systemctl daemon-reload',
    ],
  ]);
});

test('S12: units of a socket that take each other along', () => {
  const along = 'each restart of app.service takes it along';
  hold([
    [
      'together',
      { strategy: 'overlap', relations: { conflicts: ['shutdown.target'] } },
      'pass',
      `app.service, ${standIn}, app.socket`,
      null,
    ],
    [
      'together',
      { strategy: 'overlap', standInRelations: { conflicts: ['app.service'] } },
      'fail',
      `Conflicts=app.service in ${standIn}: they never run together`,
      takeOut('app-next@.service', 'app.service', 'Conflicts'),
    ],
    [
      'together',
      { strategy: 'overlap', standInRelations: { partOf: ['app.service'] } },
      'fail',
      `PartOf=app.service in ${standIn}: ${along}`,
      takeOut('app-next@.service', 'app.service', 'PartOf'),
    ],
    [
      'together',
      { strategy: 'overlap', standInRelations: { bindsTo: ['app.service'] } },
      'fail',
      `BindsTo=app.service in ${standIn}: ${along}`,
      'BindsTo=',
    ],
    [
      'together',
      {
        strategy: 'socket',
        socket: { relations: { conflicts: [], partOf: ['app.service'], bindsTo: [], requires: [] } },
      },
      'fail',
      `PartOf=app.service in app.socket: ${along}`,
      takeOut('app.socket', 'app.service', 'PartOf'),
    ],
    [
      'together',
      { strategy: 'socket', relations: { partOf: ['app.socket'] } },
      'warn',
      'PartOf=app.socket in app.service: who stops the socket stops it too',
      takeOut('app.service', 'app.socket', 'PartOf'),
    ],
  ]);
  assert.equal(findings('together', { relations: { conflicts: ['app.socket'] } }), []);
});

test('S12: limits that close the shared port, or stand in the way of a rollback', () => {
  const limited = { startLimitBurst: 5, startLimitIntervalMs: 10_000 };
  const usedUp = 'a crash and the way back use it up, and a start by hand is refused';
  hold([
    ['start_limit', {}, 'pass', '3 starts in 300 s', null],
    ['start_limit', { facts: { startLimitBurst: 0 } }, 'pass', 'no limit', null],
    [
      'start_limit',
      { facts: { startLimitBurst: 2 } },
      'warn',
      `2 starts in 300 s: ${usedUp}`,
      inUnit('StartLimitBurst=5'),
    ],
    [
      'start_limit',
      { setup: { startLimitAction: 'reboot' } },
      'warn',
      'StartLimitAction=reboot: a build that crashes does this to the machine',
      inUnit('StartLimitAction=none'),
    ],
    [
      'start_limit',
      { setup: { startLimitAction: 'reboot' }, facts: { startLimitIntervalMs: 0 } },
      'pass',
      'no limit',
      null,
    ],
    [
      'start_limit',
      { setup: { refusesStart: true } },
      'fail',
      'RefuseManualStart=yes: no deploy and no rollback',
      inUnit('RefuseManualStart=no'),
    ],
    [
      'start_limit',
      { setup: { refusesStop: true } },
      'fail',
      'RefuseManualStop=yes: no deploy and no rollback',
      inUnit('RefuseManualStop=no'),
    ],
    [
      'start_limit',
      { strategy: 'socket', facts: limited },
      'fail',
      '5 starts in 10 s of app.service, then its socket is closed',
      inUnit('StartLimitIntervalSec=0'),
    ],
    ['start_limit', { strategy: 'socket', facts: { ...limited, startLimitBurst: 0 } }, 'pass', 'no limit', null],
    [
      'start_limit',
      { strategy: 'overlap', standIn: limited },
      'fail',
      `5 starts in 10 s of ${standIn}, then its socket is closed`,
      'systemctl edit app-next@.service',
    ],
    [
      'start_limit',
      { strategy: 'socket', socket: { triggerBurst: 20, triggerIntervalMs: 2_000 } },
      'warn',
      'app.socket is closed after 20 activations in 2 s, as by a build that exits at once',
      'systemctl edit app.socket, and write:\n[Socket]\nTriggerLimitIntervalSec=0',
    ],
  ]);
});

test('S12: a stand-in that would run something else, or elsewhere', () => {
  const directory = `WorkingDirectory=${builds}/%i`;
  hold([
    ['stand_in', standingIn({}), 'pass', 'app-next@.service', null],
    ['stand_in', standingIn({ workingDirectory: `/data/builds/${build}/web` }), 'pass', 'app-next@.service', null],
    [
      'stand_in',
      standingIn({ loadState: 'not-found' }),
      'fail',
      'there is no app-next@.service',
      `Sockets=app.socket\n${directory}\nNonBlocking=yes\nRestart=no`,
    ],
    [
      'stand_in',
      standingIn({ loadState: 'bad-setting' }),
      'fail',
      'app-next@.service: bad-setting',
      'edit --force --full app-next@.service',
    ],
    [
      'stand_in',
      standingIn({ triggeredBy: [] }),
      'fail',
      'app-next@.service does not share app.socket',
      'Sockets=app.socket',
    ],
    [
      'stand_in',
      standingIn({ workingDirectory: `${builds}/current` }),
      'fail',
      `app-next@.service would run ${build} in ${builds}/current`,
      `systemctl edit app-next@.service, and write:\n[Service]\n${directory}`,
    ],
    [
      'stand_in',
      standingIn({ workingDirectory: null }),
      'fail',
      `app-next@.service would run ${build} in /`,
      directory,
    ],
  ]);
});

test('S5, S12: a stand-in whose user systemd makes anew would take the directories of the service', () => {
  const observed =
    'DynamicUser=yes: app-next@.service would run as app-next, app.service runs as app, and its directory app would go to the other';
  hold([
    ['stand_in', madeUser('app'), 'pass', 'app-next@.service', null],
    ['stand_in', madeUser('app-next', {}), 'pass', 'app-next@.service', null],
    ['stand_in', { ...madeUser('app-next'), dynamic: [false, false] }, 'pass', 'app-next@.service', null],
    ['stand_in', madeUser('app-next'), 'fail', observed, `${service('User=app')}\nand the same for app-next@.service`],
  ]);
});

test('S12: a socket that is handed over as a blocking one', () => {
  const line = 'NonBlocking=yes';
  hold([
    ['non_blocking', { strategy: 'socket' }, 'pass', 'NonBlocking=yes', null],
    ['non_blocking', { strategy: 'socket', nonBlocking: [false, true] }, 'warn', hangs('app.service'), service(line)],
    [
      'non_blocking',
      { strategy: 'overlap', nonBlocking: [true, false] },
      'warn',
      hangs(standIn),
      `systemctl edit app-next@.service, and write:\n[Service]\n${line}`,
    ],
    ['non_blocking', { ...standingIn({ loadState: 'not-found' }), nonBlocking: [true, false] }, 'pass', line, null],
  ]);
  assert.equal(findings('non_blocking', { nonBlocking: [false, false] }), [], 'a port of its own');
  assert.is(findings('non_blocking', { strategy: 'overlap', nonBlocking: [false, false] }).length, 2);
});

test('S12: a queue that holds the connections of a restart', () => {
  const line = 'systemctl edit app.socket, and write:\n[Socket]\nBacklog=';
  hold([
    ['backlog', queueOf(4096), 'pass', '4096 as the kernel has it', null],
    ['backlog', queueOf(4096, kernelQueue(null)), 'pass', '4096', null],
    ['backlog', queueOf(500), 'pass', '500 as the kernel has it', null],
    ['backlog', queueOf(499), 'warn', 'Backlog=499 in app.socket', `${line}4096`],
    ['backlog', queueOf(64), 'warn', 'Backlog=64 in app.socket', `${line}4096`],
    ['backlog', queueOf(64, { lastRun: restarted(10) }), 'pass', '64 as the kernel has it', null],
    ['backlog', queueOf(63, { lastRun: restarted(10) }), 'fail', 'Backlog=63 in app.socket', `${line}4096`],
    ['backlog', queueOf(4096, { lastRun: restarted(5_000) }), 'warn', 'Backlog=4096 in app.socket', `${line}5000`],
    ['backlog', queueOf(4096, kernelQueue(511)), 'pass', '511 as the kernel has it', null],
    [
      'backlog',
      queueOf(4096, { ...kernelQueue(511), lastRun: restarted(600) }),
      'warn',
      'the application made the queue 511 long (Backlog=4096)',
      'listen({ fd: 3 }, 4096)',
    ],
    ['backlog', queueOf(4096, kernelQueue(128, 128)), 'warn', 'net.core.somaxconn is 128', 'net.core.somaxconn=4096'],
    ['backlog', queueOf(2 ** 32 - 1, kernelQueue(4096)), 'pass', '4096 as the kernel has it', null],
  ]);
  const { expected } = findings('backlog', queueOf(499, { lastRun: restarted(600) }))[0] ?? {};
  assert.is(expected, '600 at least: 1000 connections a second for the 600 ms of a restart (measured)');
});

test("the kernel's queue is the shortest among those of the ports", () => {
  const text = [
    'LISTEN 0      4096    127.0.0.1:9000      0.0.0.0:*',
    'LISTEN 3      511          [::]:9000         [::]:*',
    'LISTEN 0      16     127.0.0.1:90000     0.0.0.0:*',
    'LISTEN 0      8      127.0.0.1:900       0.0.0.0:*',
  ].join('\n');
  assert.is(shortestQueue(text, [9000]), 511);
  assert.is(shortestQueue(text, [9000, 900]), 8);
  assert.is(shortestQueue(text, [9001]), null);
  assert.is(shortestQueue('', [9000]), null);
});

test('S12: what to type goes to the manager of the user', () => {
  for (const strategy of ['restart', 'overlap'] as const) {
    const facts = {
      manager: 'user' as const,
      restart: 'always',
      loadState: 'loaded',
      startLimitBurst: 1,
      stopTimeoutMs: 9e9,
    };
    const bad = examine(
      patientWith({
        strategy,
        facts: { ...facts, needDaemonReload: true, startLimitIntervalMs: 1, workingDirectory: `!${builds}/${build}` },
        standIn: { ...facts, workingDirectory: '/' },
        socket: { triggerBurst: 1, triggerIntervalMs: 1, backlog: 1, needDaemonReload: true },
        relations: { partOf: ['app.socket'] },
      }),
    ).filter(({ status }) => status !== 'pass');
    assert.ok(bad.length > 3, JSON.stringify(bad));
    for (const { mend } of bad) assert.not.match(mend ?? '', /systemctl (?!--user)/);
  }
});

test('S12: a unit that is not loaded is asked nothing', async () => {
  const facts = factsWith({ loadState: 'not-found' });
  const untouchable = { facts: () => assert.unreachable() as never, property: () => assert.unreachable() as never };
  const answer = await askDoctor(
    {
      target: patientWith().target,
      facts,
      properties: new Map(),
      standIn: null,
      lastRun: () => assert.unreachable() as never,
      isThorough: true,
    },
    untouchable,
  );
  assert.equal([answer.status, answer.observed, answer.findings], ['fail', 'not-found', undefined]);
});
