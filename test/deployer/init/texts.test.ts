import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { directConfig } from '../../../lib/config/direct.ts';
import type { TargetConfig } from '../../../lib/config/model.ts';
import { dropInText, type ServiceSettings } from '../../../lib/deployer/init/strategy/service-lines.ts';
import { listenLines, listenLinesIn, socketText } from '../../../lib/deployer/init/strategy/socket-unit.ts';
import { type Original, standInText } from '../../../lib/deployer/init/strategy/stand-in-unit.ts';
import { settingsOf } from '../../../lib/deployer/init/strategy/unit-source.ts';
import type { Listener } from '../../../lib/systemd/sockets.ts';
import { repository } from '../../sandboxed.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init texts');
const builds = '/srv/app/builds';
const { targets } = directConfig({ unit: 'app.service', builds, ports: [9000], manager: 'system' });
const target = Object.values(targets)[0] as TargetConfig;
const about = { target, socket: 'app.socket', hasStandIn: false };
const sound: ServiceSettings = {
  type: 'exec',
  killMode: 'mixed',
  restart: 'always',
  restartPauseMs: 2_000,
  stopTimeoutMs: 10_000,
  runtimeDirectory: null,
};

function unitOf(name: string): Promise<string> {
  return readFile(join(repository, 'units', name), 'utf8');
}

/** The settings of a section as systemd would have them: the last line of a name counts, but for lists. */
function effective(text: string, section: string): Map<string, string> {
  return new Map(settingsOf(text, section).map((line) => [line.slice(0, line.indexOf('=')), line]));
}

function listener(port: number, address: string): Listener {
  return { port, address, family: address.includes(':') ? 'ipv6' : 'ipv4', uid: 0, inode: '1' };
}

function originalWith(changes: Partial<Original>): Original {
  const known = { unit: 'app.service', buildsPaths: [builds, '/data/builds'], manager: 'system' as const };
  return { ...known, texts: [], runtimeDirectory: null, ...changes };
}

test('S5: the socket is that of units/socket and units/overlap', async () => {
  const text = socketText('app.service', ['ListenStream=127.0.0.1:9000']);
  for (const model of ['socket/app.socket', 'overlap/app.socket']) {
    for (const section of ['Socket', 'Install']) {
      assert.equal(settingsOf(text, section), settingsOf(await unitOf(model), section), `${model} [${section}]`);
    }
  }
});

test('S5: every line beside the service stands in units/socket, and a unit as in units/ needs no more', async () => {
  const [unit, service] = ['Unit', 'Service'].map((name) => settingsOf(dropInText(about, sound, null), name));
  const model = await unitOf('socket/app.service');
  const [modelUnit, modelService] = ['Unit', 'Service'].map((name) => settingsOf(model, name));
  assert.equal(unit, ['Requires=app.socket', 'After=app.socket', 'StartLimitIntervalSec=0']);
  assert.equal(service, ['Sockets=app.socket', 'NonBlocking=yes']);
  for (const line of unit ?? []) {
    assert.ok(
      modelUnit?.some((one) => one === line || one.startsWith(`${line} `)),
      line,
    );
  }
  assert.ok(modelService?.includes('NonBlocking=yes'));
});

test('S5: the stand-in made from units/overlap is the one of units/overlap', async () => {
  const texts = [await unitOf('overlap/app.service'), dropInText({ ...about, hasStandIn: true }, sound, null)];
  const [own, model] = [standInText(originalWith({ texts })), await unitOf('overlap/app-next@.service')];
  assert.equal(effective(own, 'Service'), effective(model, 'Service'));
  assert.match(own, `WorkingDirectory=${builds}/%i\n`);
  for (const line of settingsOf(model, 'Unit').filter((one) => !one.startsWith('Description='))) {
    assert.ok(settingsOf(own, 'Unit').includes(line), line);
  }
  assert.equal(settingsOf(own, 'Install'), []);
});

test('S12: what the doctor would find gets a line, and a line stays when systemd answers for it already', () => {
  const poor = { ...sound, type: 'simple', killMode: 'process', restartPauseMs: 100, stopTimeoutMs: 90_000 };
  const lines = ['Type=exec', 'KillMode=mixed', 'TimeoutStopSec=30s', 'RestartSec=500ms'];
  const text = dropInText(about, poor, null);
  for (const line of lines) assert.ok(settingsOf(text, 'Service').includes(line), line);
  assert.is(dropInText(about, { ...sound, restartPauseMs: 500, stopTimeoutMs: 30_000 }, text), text);
  const chosen = dropInText(about, { ...sound, stopTimeoutMs: 300_000, restart: 'no', restartPauseMs: 0 }, null);
  assert.equal(settingsOf(chosen, 'Service'), ['Sockets=app.socket', 'NonBlocking=yes'], 'somebody chose that');
  const shared = { ...sound, runtimeDirectory: 'no' };
  assert.not.match(dropInText(about, shared, null), 'RuntimeDirectory');
  assert.match(dropInText({ ...about, hasStandIn: true }, shared, null), 'RuntimeDirectoryPreserve=restart');
});

test('the socket listens where the service did', () => {
  const rows: [addresses: string[], lines: string[]][] = [
    [['127.0.0.1'], ['ListenStream=127.0.0.1:9000']],
    [
      ['::1', '127.0.0.1'],
      ['ListenStream=127.0.0.1:9000', 'ListenStream=[::1]:9000'],
    ],
    [['0.0.0.0'], ['ListenStream=0.0.0.0:9000']],
    [['0.0.0.0', '::'], ['ListenStream=9000']],
    [
      ['10.1.2.3', '10.1.2.3'],
      ['ListenStream=10.1.2.3:9000', 'FreeBind=yes'],
    ],
  ];
  for (const [addresses, lines] of rows) {
    const listeners = addresses.map((address) => listener(9000, address));
    assert.equal(listenLines([9000], [...listeners, listener(9001, '::')]), lines);
    assert.equal(listenLinesIn(socketText('app.service', lines)), lines);
  }
  const two = [listener(80, '::'), listener(443, '::')];
  assert.equal(listenLines([443, 80], two), ['ListenStream=443', 'ListenStream=80'], 'in the configured order');
});

test('settings are read as systemd reads them', () => {
  const text = `[Unit]\n# A=1\nA=2\n[Service]\n ; no\nExecStart=/bin/sh -c \\\n# in between\n  "a b"\n\nB = 3\n[Install]\nC=4\n`;
  assert.equal(settingsOf(text, 'Unit'), ['A=2']);
  assert.equal(settingsOf(text, 'Service'), ['ExecStart=/bin/sh -c    "a b"', 'B=3']);
});

test('a stand-in names its build wherever the service names current, and nothing else', () => {
  const rows: [line: string, becomes: string][] = [
    [`WorkingDirectory=${builds}/current`, `WorkingDirectory=${builds}/%i`],
    [`WorkingDirectory=-${builds}//current/web`, `WorkingDirectory=-${builds}//%i/web`],
    ['WorkingDirectory=/data/builds/current/', 'WorkingDirectory=/data/builds/%i/'],
    [
      `ExecStart=@${builds}/current/app app --root=${builds}/current`,
      `ExecStart=@${builds}/%i/app app --root=${builds}/%i`,
    ],
    [`Environment="A=${builds}/current:/x/current" B=current`, `Environment="A=${builds}/%i:/x/current" B=current`],
    [`ReadWritePaths=${builds}/current-data`, `ReadWritePaths=${builds}/current-data`],
    [`ExecStart=/usr/bin/node /x${builds}/current`, `ExecStart=/usr/bin/node /x${builds}/current`],
    ['SyslogIdentifier=%n %N %p %j', 'SyslogIdentifier=app.service app app app'],
    ['ExecStart=/bin/echo %%n %i %H $PORT', 'ExecStart=/bin/echo %%n  %H $PORT'],
  ];
  for (const [line, becomes] of rows) {
    const text = standInText(originalWith({ texts: [`[Service]\n${line}\n`] }));
    assert.ok(settingsOf(text, 'Service').includes(becomes.trim()), `${line}: ${text}`);
  }
});

test('a stand-in stays ended, has no limit of starts, and leaves the directory of the service alone', () => {
  const texts = [
    '[Unit]\nDescription=x\nStartLimitBurst=3\n[Service]\nRestart=always\nRestartSec=1\nRestartForceExitStatus=1\nStartLimitInterval=9\n',
  ];
  const text = standInText(originalWith({ texts, runtimeDirectory: 'restart' }));
  assert.equal(settingsOf(text, 'Unit'), ['Description=Candidate %i of app.service', 'StartLimitIntervalSec=0']);
  assert.equal(settingsOf(text, 'Service'), ['Restart=no', 'RuntimeDirectoryPreserve=yes']);
});
