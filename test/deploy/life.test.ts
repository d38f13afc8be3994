import * as assert from 'uvu/assert';
import { deathFrom, StoppedByOthers } from '../../lib/deploy/life.ts';
import type { UnitFacts } from '../../lib/systemd/facts.ts';
import { suite } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';

const test = suite('deploy/life');

const deaths: [facts: Partial<UnitFacts>, reason: string, message: string][] = [
  [{ result: 'oom-kill', execMainCode: 2, execMainStatus: 9 }, 'memory', 'was killed because it ran out of memory'],
  [{ result: 'start-limit-hit', execMainCode: 1, execMainStatus: 1 }, 'start', 'hit its start limit'],
  [
    { result: 'timeout', execMainCode: 2, execMainStatus: 15 },
    'timeout',
    'did not get ready within its own TimeoutStartSec=',
  ],
  [{ result: 'exit-code', execMainCode: 1, execMainStatus: 203 }, 'start', 'its ExecStart= cannot be run (status 203)'],
  [{ result: 'exit-code', execMainCode: 1, execMainStatus: 3 }, 'exited', 'exited with status 3'],
  [{ result: 'success', execMainCode: 1, execMainStatus: 0 }, 'exited', 'exited with status 0'],
  [{ result: 'signal', execMainCode: 2, execMainStatus: 9 }, 'exited', 'was ended by signal 9'],
  [{ result: 'core-dump', execMainCode: 3, execMainStatus: 11 }, 'exited', 'was ended by signal 11'],
  [{ result: 'protocol' }, 'exited', 'stopped running (protocol)'],
];

for (const [facts, reason, message] of deaths) {
  test(`S4: a unit that ${message} is down for that reason`, () => {
    const death = deathFrom(factsWith({ activeState: 'failed', ...facts }));
    assert.is(death.reason, reason);
    assert.ok(death.message.startsWith('app.service ') && death.message.endsWith(message), death.message);
    assert.not.ok(death instanceof StoppedByOthers);
  });
}
