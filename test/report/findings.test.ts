import * as assert from 'uvu/assert';
import type { CheckAnswer, Finding } from '../../lib/checks/check.ts';
import { coloursFor } from '../../lib/report/colour.ts';
import { checkLines } from '../../lib/report/terminal.ts';
import { suite } from '../suite.ts';

const test = suite('report/findings');
const plain = coloursFor({}, { isWanted: false, env: {} });
const good: Finding = { rule: 'readiness', status: 'pass', observed: 'Type=exec', expected: 'Type=exec', mend: null };
const bad: Finding = {
  rule: 'working_directory',
  status: 'fail',
  observed: 'WorkingDirectory=-/b/current',
  expected: 'without "-"',
  mend: 'systemctl edit a.service, and write:\n[Service]\nWorkingDirectory=/b/current',
};
const stale: Finding = {
  rule: 'daemon_reload',
  status: 'warn',
  observed: 'changed',
  expected: 'as it is',
  mend: 'reload',
};

function linesOf(...findings: Finding[]): string[] {
  const answer: CheckAnswer = { ...(findings.at(-1) ?? good), name: 'unit_file', findings };
  return checkLines(answer, plain);
}

test('S11: each finding has a line of its own, with the lines to write below it', () => {
  assert.equal(linesOf(good, stale, bad), [
    '  ✗ unit_file       2 findings',
    '                    ! daemon_reload: changed (expected: as it is)',
    '                      -> reload',
    '                    ✗ working_directory: WorkingDirectory=-/b/current (expected: without "-")',
    '                      -> systemctl edit a.service, and write:',
    '                           [Service]',
    '                           WorkingDirectory=/b/current',
  ]);
  assert.is(linesOf(good, bad)[0], '  ✗ unit_file       1 finding');
});

test('S11: findings that are all good take no line', () => {
  assert.equal(linesOf(good, good), ['  ✓ unit_file       Type=exec']);
});
