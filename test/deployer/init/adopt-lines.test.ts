import * as assert from 'uvu/assert';
import { isCutoverError } from '../../../lib/base/errors.ts';
import { movedLines } from '../../../lib/deployer/init/adopt/lines.ts';
import type { SeenUnit } from '../../../lib/deployer/init/unit.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init adopt lines');
const source = '/srv/app';
const current = '/srv/app-builds/current';

/** What the lines beside the unit say, without the remark; `commands` is what systemd makes of `ExecStart=`. */
function linesFor(
  service: string[],
  { commands = [], shared = [] }: { commands?: string[][]; shared?: string[] } = {},
): string[] {
  const seen = { facts: { unit: 'app.service' }, commands } as unknown as SeenUnit;
  const text = ['[Service]', `WorkingDirectory=${source}`, ...service].join('\n');
  return movedLines(seen, [text], { source, current, shared }).trimEnd().split('\n').slice(2);
}

function refusalOf(service: string[], how?: Parameters<typeof linesFor>[1]): string {
  try {
    return linesFor(service, how).join();
  } catch (error) {
    if (!isCutoverError(error, 'refused')) throw error;
    return `${error.message} -> ${error.mend}`;
  }
}

test('a program that is named by its directory needs no more than that', () => {
  assert.equal(linesFor(['ExecStart=/usr/bin/node app.mjs']), [`WorkingDirectory=${current}`]);
});

test('each command that names the old directory is said anew, all else of it as it is written', () => {
  const lines = [
    'ExecStartPre=-/srv/app/bin/prepare "$HOME" %n',
    'ExecStart=/old',
    'ExecStart=',
    'ExecStart=@/srv/app/bin/run run --root=/srv/app --data "/srv/app/x y" /srv/app2 /mnt/srv/app ${PORT} 50%%',
    'ExecReload=/bin/kill -HUP $MAINPID',
  ];
  assert.equal(linesFor(lines, { commands: [['/srv/app/bin/run']] }), [
    `WorkingDirectory=${current}`,
    'ExecStartPre=',
    `ExecStartPre=-${current}/bin/prepare "$HOME" %n`,
    'ExecStart=',
    `ExecStart=@${current}/bin/run run --root=${current} --data "${current}/x y" /srv/app2 /mnt/srv/app \${PORT} 50%%`,
  ]);
});

test('what is shared is named where it lies', () => {
  const shared = ['/srv/app/data', '/srv/app/.env'];
  const lines = [
    'EnvironmentFile=-/srv/app/.env',
    'ReadWritePaths=/srv/app/data /tmp',
    'ExecStart=/srv/app/run /srv/app/data/x',
  ];
  assert.equal(linesFor(lines, { shared, commands: [['/srv/app/run']] }), [
    `WorkingDirectory=${current}`,
    'ExecStart=',
    `ExecStart=${current}/run /srv/app/data/x`,
  ]);
  assert.match(
    refusalOf(lines),
    'EnvironmentFile=-/srv/app/.env of app.service names /srv/app; nothing was changed -> it stays where it is with: --shared .env',
  );
  assert.match(refusalOf(['ReadWritePaths=/srv/app']), 'take it out of the unit');
});

test('what cannot be read off the line is refused', () => {
  for (const shell of ['/bin/sh -c', '/usr/bin/bash -ec', '-/bin/dash -c'])
    assert.match(refusalOf([`ExecStart=${shell} "/srv/app/run"`]), 'has a shell find its program');
  // A shell that runs a script by its name hides nothing, and neither does one that knows nothing of the directory.
  assert.match(refusalOf(['ExecStart=/bin/sh /srv/app/run']), `ExecStart=/bin/sh ${current}/run`);
  assert.is(refusalOf(['ExecStart=/bin/sh -c "exec ./run"']), `WorkingDirectory=${current}`);
  const hidden = refusalOf(['ExecStart=%h/app/run'], { commands: [['/srv/app/run']] });
  assert.match(hidden, 'app.service runs /srv/app/run, and its file names it otherwise');
});

test('a directory with a sign of systemd in its name', () => {
  const moving = { source, current: '/srv/50% off/current', shared: [] };
  const seen = { facts: { unit: 'app.service' }, commands: [] } as unknown as SeenUnit;
  const text = movedLines(seen, ['[Service]\nExecStart=/usr/bin/node /srv/app/x\n'], moving);
  assert.match(text, '\nWorkingDirectory=/srv/50%% off/current\n');
});
