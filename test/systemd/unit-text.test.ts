import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { commandText, instanceName, unitPathText, unitWord } from '../../lib/systemd/unit-text.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/unit-text');

test('an instance is what systemd-escape(1) makes of the path', async () => {
  for (const parts of [
    ['shop', 'production'],
    ['claude-bridge', 'production'],
    ['a.b_c', 'v1.2-x'],
    ['späti', 'x y@z%'],
  ]) {
    const { stdout } = await exec(['systemd-escape', parts.join('/')], { timeoutMs: 10_000 });
    assert.is(instanceName(...parts), stdout);
    const back = await exec(['systemd-escape', '--unescape', instanceName(...parts)], { timeoutMs: 10_000 });
    assert.is(back.stdout, parts.join('/'));
  }
});

test('words of unit files are quoted where they need it, and no specifier or variable comes of them', () => {
  assert.is(unitWord('/usr/bin/node'), '/usr/bin/node');
  assert.is(unitWord('/srv/50%/x'), '/srv/50%%/x');
  assert.is(unitWord('/srv/my shop'), '"/srv/my shop"');
  assert.is(unitWord(String.raw`a"b\c`), String.raw`"a\"b\\c"`);
  assert.is(unitPathText('/srv/my 50%'), '/srv/my 50%%');
  assert.is(
    commandText(['/opt/my node/node', '/srv/a', '--x=$HOME', "it's"]),
    `"/opt/my node/node" /srv/a "--x=$$HOME" "it's"`,
  );
});
