// needs: sandbox
// deadline: 10min
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { until } from '../../deploy/site.ts';
import { unitFile } from '../../services/builds.ts';
import { suite } from '../../suite.ts';
import { adopt, everything, plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';

const test = suite('deployer/init adopt seen', { timeoutMs: 300_000 });

test('what names the directory by a specifier, or in another section, is refused before anything is changed', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  const beside = `/etc/systemd/system/${unit}.d/own.conf`;
  await mkdir(sandbox.hostPath(`/etc/systemd/system/${unit}.d`), { recursive: true });
  const rows: [lines: string, message: string, mend: string][] = [
    ['[Unit]\nConditionPathExists=/srv/%p/app/app.mjs', 'ConditionPathExists=', '--shared app.mjs'],
    ['[Service]\nEnvironment=ROOT=/srv/%p/app', `Environment=${source} of ${unit} names ${source}`, 'take it out'],
    ['[Service]\nEnvironmentFile=-/srv/%p/app/.env', `EnvironmentFile=${source}/.env of`, '--shared .env'],
    [
      '[Service]\nExecStartPre=-/srv/%p/app/migrate',
      `${unit} runs ${source}/migrate`,
      'name it in full in ExecStartPre=',
    ],
  ];
  for (const [lines, message, mend] of rows) {
    await writeFile(sandbox.hostPath(beside), `${lines}\n`);
    await sandbox.run('systemctl', 'daemon-reload');
    const before = await everything(site);
    const found = await refusedAdoption(site);
    assert.equal([found.code, found.kind], [1, 'refused'], lines);
    assert.match(found.message, message);
    assert.match(found.mend, mend);
    assert.is(await everything(site), before, lines);
  }
});

test('the lines beside the template of an instance are those of the instance', async (t) => {
  const plain = await plainSite(t);
  const { sandbox, source } = plain;
  await sandbox.run('systemctl', 'stop', plain.unit);
  const site = { ...plain, unit: 'plain@one.service', port: 9951 };
  const [template, beside] = ['plain@.service', 'plain@.service.d'].map((name) => `/etc/systemd/system/${name}`);
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', site.unit]);
    await sandbox.run(
      'sh',
      '-c',
      'rm -rf /etc/systemd/system/plain@* /var/lib/cutover/plain*; systemctl daemon-reload',
    );
  });
  const text = unitFile({ buildsDir: '/srv', port: site.port, node: process.execPath });
  await writeFile(
    sandbox.hostPath(template ?? ''),
    text.replace(/^WorkingDirectory=.*$/m, `WorkingDirectory=${source}`),
  );
  await mkdir(sandbox.hostPath(beside ?? ''));
  await writeFile(sandbox.hostPath(`${beside}/own.conf`), `[Service]\nExecStartPre=-${source}/migrate\n`);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', site.unit);
  await until('it serves', async () => (await servedFrom(site)) === source);
  const called = await adopt(site);
  assert.is(called.code, 0, called.stderr);
  const lines = await readFile(sandbox.hostPath(`/etc/systemd/system/${site.unit}.d/zz-cutover-adopt.conf`), 'utf8');
  assert.match(lines, `ExecStartPre=-${site.builds}/current/migrate\n`);
  assert.is((await adopt(site, '--undo')).code, 0);
});
