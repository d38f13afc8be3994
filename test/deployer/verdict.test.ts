import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import type { TargetConfig } from '../../lib/config/model.ts';
import type { Situation } from '../../lib/deployer/situation.ts';
import { earlyEnding } from '../../lib/deployer/verdict.ts';
import { suite } from '../suite.ts';

const test = suite('deployer/verdict');

/** How a run ends whose checks fail by these names. */
function endsWith(failing: string[], isForced: boolean): number | null {
  const checks = failing.map((name): CheckAnswer => {
    return { name, status: 'fail', observed: '', expected: '', mend: null };
  });
  const target = { health: { urls: [], identity: true } } as unknown as TargetConfig;
  const situation = { current: 'dist.20260203-100000', candidate: 'dist.20260203-110000' } as Situation;
  return earlyEnding({ target }, { situation, checks }, { isForced })?.exit_code ?? null;
}

test('S7: what the checks come to, with force and without', () => {
  const cases: [string[], number | null, number | null][] = [
    [[], null, null],
    [['disk'], 1, null],
    [['candidate'], 2, 2],
    [['candidate', 'disk'], 1, 2],
    [['permission'], 77, 77],
    [['permission', 'candidate'], 77, 77],
  ];
  for (const [failing, plain, forced] of cases) {
    assert.equal([endsWith(failing, false), endsWith(failing, true)], [plain, forced], failing.join(' '));
  }
});
