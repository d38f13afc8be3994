import * as assert from 'uvu/assert';
import { isCutoverError } from '../../../lib/base/errors.ts';
import { movedLines } from '../../../lib/deployer/init/adopt/lines.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init adopt lines');
const source = '/srv/app';
const current = '/srv/app-builds/current';

interface Read {
  /** what systemd makes of `ExecStart=` */
  commands?: string[][];
  /** what else it has read */
  properties?: Record<string, unknown>;
  shared?: string[];
}

/** What the lines beside the unit say, without the remark. */
function linesFor(service: string[], { commands = [], properties = {}, shared = [] }: Read = {}): string[] {
  const read = new Map(Object.entries({ ExecStart: asRead(...commands), WorkingDirectory: source, ...properties }));
  const text = ['[Service]', `WorkingDirectory=${source}`, ...service].join('\n');
  const lines = movedLines({ unit: 'app.service', texts: [text], properties: read }, { source, current, shared });
  return lines.trimEnd().split('\n').slice(2);
}

const condition = (path: string): unknown => [['ConditionPathExists', false, true, path, 0]];

/** Commands as they are on the bus: the file, and its arguments with the name of the program first. */
function asRead(...commands: string[][]): unknown {
  return commands.map(([file, ...args]) => [file, [file, ...args], false, 0]);
}

function refusalOf(service: string[], how?: Read): string {
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
  const texts = ['[Service]\nExecStart=/usr/bin/node /srv/app/x\n'];
  const text = movedLines({ unit: 'app.service', texts, properties: new Map() }, moving);
  assert.match(text, '\nWorkingDirectory=/srv/50%% off/current\n');
});

test('what a specifier hides, or another section names, is seen as systemd has read it', () => {
  const [run, migrate] = ['/srv/app/run', '/srv/app/bin/migrate'];
  const start = ['ExecStart=/srv/app/run'];
  const reads = (name: string, value: unknown): Read => ({ commands: [[run]], properties: { [name]: value } });
  const rows: [service: string[], how: Read, said: string][] = [
    [
      ['ExecStartPre=%h/app/bin/migrate', ...start],
      reads('ExecStartPre', asRead([migrate])),
      `app.service runs ${migrate}, and its file names it otherwise`,
    ],
    [
      ['ExecStartPre=/srv/app/bin/first', 'ExecStartPre=%h/app/bin/migrate', ...start],
      reads('ExecStartPre', asRead(['/srv/app/bin/first'], [migrate])),
      'and its file names it otherwise',
    ],
    [
      ['Environment=HOME_OF=%h/app', ...start],
      reads('Environment', ['HOME_OF=/srv/app']),
      'Environment=/srv/app of app.service names /srv/app',
    ],
    [
      ['EnvironmentFile=-%h/app/.env', ...start],
      reads('EnvironmentFiles', [['/srv/app/.env', true]]),
      'with: --shared .env',
    ],
    [
      start,
      reads('Conditions', condition('/srv/app/.ready')),
      'ConditionPathExists=/srv/app/.ready of app.service names',
    ],
    [start, reads('BindPaths', [['/srv/app/x', '/mnt', false, 0]]), 'with: --shared x'],
  ];
  for (const [service, how, said] of rows) assert.match(refusalOf(service, how), said);
  const moved = refusalOf(start, { commands: [[run]] });
  assert.match(moved, `ExecStart=${current}/run`);
  const elsewhere: [name: string, value: unknown][] = [
    ['Conditions', condition('/srv/application')],
    ['RequiresMountsFor', [source]],
    ['StatusText', `serves from ${source}`],
  ];
  for (const [name, value] of elsewhere) assert.is(refusalOf(start, reads(name, value)), moved, name);
  const shared = { ...reads('Conditions', condition('/srv/app/.ready')), shared: ['/srv/app/.ready'] };
  assert.is(refusalOf(start, shared), moved);
});
