// needs: sandbox
import { mkdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { commandProperties, commandsFrom, lineOf } from '../../lib/systemd/commands.ts';
import { suite } from '../suite.ts';
import { systemdInside, writeService } from './inside.ts';

const test = suite('systemd/commands');

test('S12: a command as systemd tells it is the same command when it is written again', async (t) => {
  const lines = [
    '/bin/true --port ${PORT} $ARGS "two words" 50%% $$5 a\\\\b',
    '-/bin/true',
    '-+/bin/true plain',
    '!/bin/true',
    '!!/bin/true',
    ':/bin/true ${NOT_A_VARIABLE}',
    '-@/bin/true another %n',
  ];
  const { sandbox, systemd } = await systemdInside(t);
  const unit = 'commands.service';
  await writeService(t, sandbox, unit, [
    'Type=oneshot',
    'ExecStart=/bin/true',
    ...lines.map((line) => `ExecStartPre=${line}`),
  ]);
  const read = async (which: 0 | 1) =>
    commandsFrom(await systemd.property(unit, 'Service', commandProperties('ExecStartPre')[which]));
  const commands = await read(0);
  assert.is(commands.length, lines.length);
  assert.equal(
    commands.map(({ prefix }) => prefix),
    ['', '-', '-+', '!', '!!', ':', '-'],
  );
  assert.is(commands[6]?.calledAs, 'another');
  assert.equal(
    (await read(1)).map(({ prefix }) => prefix),
    ['', '-', '-', '', '', '', '-'],
    'the old property tells one of them',
  );
  const again = ['[Service]', 'ExecStartPre=', ...commands.map((command) => `ExecStartPre=${lineOf(command)}`), ''];
  await mkdir(sandbox.hostPath(`/run/systemd/system/${unit}.d`), { recursive: true });
  await writeFile(sandbox.hostPath(`/run/systemd/system/${unit}.d/again.conf`), again.join('\n'));
  await sandbox.run('systemctl', 'daemon-reload');
  assert.match(await sandbox.run('systemctl', 'cat', unit), 'again.conf');
  assert.equal(await read(0), commands);
});
