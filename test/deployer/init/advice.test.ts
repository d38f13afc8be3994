import * as assert from 'uvu/assert';
import { movingIn } from '../../../lib/deployer/init/advice.ts';
import type { SeenUnit } from '../../../lib/deployer/init/unit.ts';
import type { UnitCommand } from '../../../lib/systemd/commands.ts';
import { factsWith } from '../../systemd/facts.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init advice');

/** The lines that are to be written beside the unit's file. */
function linesFor(directory: string | null, ...commands: UnitCommand[]): string[] {
  const unit: SeenUnit = {
    facts: factsWith(),
    isRunning: true,
    directory,
    mayLackDirectory: false,
    commands,
    listeners: [],
    isHidden: false,
    socket: null,
  };
  const lines = (movingIn(unit, { said: undefined, manager: 'system' }).mend ?? '').split('\n');
  return lines.filter((line) => line.startsWith('         ')).map((line) => line.trim());
}

test('what stands in a command is left as it is, but for the directory', () => {
  const argv = ['/srv/app/bin/run', '--port', '${PORT}', '$ARGS', '50%', '--root=/srv/app'];
  assert.equal(linesFor('/srv/app', { argv, prefix: '-+' }), [
    '[Service]',
    'WorkingDirectory=/srv/app-builds/current',
    'ExecStart=',
    'ExecStart=-+/srv/app-builds/current/bin/run --port "${PORT}" "$ARGS" 50%% --root=/srv/app-builds/current',
  ]);
  const called = { argv: ['/usr/bin/env', '/srv/app/run'], calledAs: 'app' };
  assert.is(linesFor('/srv/app', called).at(-1), 'ExecStart=@/usr/bin/env app /srv/app-builds/current/run');
  assert.equal(linesFor('/srv/app', { argv: ['/usr/bin/node', 'app.mjs', '$PORT'] }).length, 2);
});

test('a program in a folder that is no build is to be named in current, and a line waits for it', () => {
  const server = { argv: ['/opt/shop/bin/server', '--port', '80'], prefix: '+' };
  assert.equal(linesFor(null, server), [
    '[Service]',
    'WorkingDirectory=/srv/app/builds/current',
    '# fill in where the program lies in the build, for PATH-OF-THE-PROGRAM',
    'ExecStart=',
    'ExecStart=+/srv/app/builds/current/PATH-OF-THE-PROGRAM --port 80',
  ]);
  // What the machine has stays where it is.
  assert.equal(linesFor(null, { argv: ['/usr/bin/node', 'app.mjs'] }).length, 2);
});
