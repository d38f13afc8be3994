import * as assert from 'uvu/assert';
import { shippedUnit } from '../../../lib/deployer/init/install/unit-files.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init unit files');
function settings(name: string, manager: 'user' | 'system'): string[] {
  const { text } = shippedUnit(name, manager, { command: ['/usr/bin/cutover'], unitDirectory: '/units' });
  return text.split('\n').filter((line) => /^(NoNew|Lock|Restrict|System)/.test(line));
}

test('S5: hooks that a user has run may gain rights as they may without us: nothing implies NoNewPrivileges=', () => {
  for (const name of ['cutover-monitor@.service', 'cutover-request@.service']) {
    assert.equal(settings(name, 'user'), [], name);
    assert.equal(settings(name, 'system'), [
      'LockPersonality=yes',
      'RestrictRealtime=yes',
      'SystemCallArchitectures=native',
    ]);
  }
});

test('S5: the receiver of a user, which runs no hook, stays hardened', () => {
  const kept = settings('cutover-serve.service', 'user');
  for (const line of ['NoNewPrivileges=yes', 'LockPersonality=yes', 'SystemCallFilter=@system-service'])
    assert.ok(kept.includes(line), line);
});
