import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import type { StepRecord } from '../../lib/run/step.ts';
import { duration, nextCommands, sentenceOf, type ToldRun } from '../../lib/report/words.ts';
import { documentWith, gateFailure, newer, older } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('report/words');
const run = '20260203-151120-4f2a';

test('S11: a duration has the unit that people would use', () => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [0.4, '0 ms'],
    [40, '40 ms'],
    [999, '999 ms'],
    [999.6, '1.0 s'],
    [1_000, '1.0 s'],
    [1_249, '1.2 s'],
    [59_900, '59.9 s'],
    [59_960, '1 min'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_499, '59 min 59 s'],
    [3_599_999, '1 h'],
    [3_600_000, '1 h'],
    [86_399_499, '23 h 59 min'],
    [86_399_999, '1 day'],
    [86_400_000, '1 day'],
    [12 * 86_400_000, '12 days'],
  ];
  for (const [ms, text] of cases) assert.is(duration(ms), text);
});

/** A first deploy, which has nothing to go back to. */
const firstFails: Partial<RunDocument> = { outcome: 'failed', from: null, active: null, failure: gateFailure };

test('S4: every outcome has its sentence', () => {
  const cases: [Partial<RunDocument>, string][] = [
    [{}, `shop serves ${newer}, proven healthy in 812 ms; the port was closed for 301 ms`],
    [{ downtime_ms: 0 }, `shop serves ${newer}, proven healthy in 812 ms; the port was never closed`],
    [{ downtime_ms: null }, `shop serves ${newer}, proven healthy in 812 ms`],
    [{ outcome: 'unchanged' }, `shop serves ${newer} already: nothing to do`],
    [{ outcome: 'unchanged', active: null }, 'shop: nothing to do'],
    [
      { outcome: 'unchanged', active: null, ended_first: 'the move was taken back' },
      'the move was taken back; shop: nothing more to do',
    ],
    [{ outcome: 'refused' }, 'shop was not touched: the checks above speak against a deploy'],
    [{ outcome: 'refused', failure: gateFailure }, 'shop was not touched: answered 500'],
    [
      { outcome: 'refused', failure: gateFailure, ended_first: 'a change was taken back' },
      'a change was taken back; then nothing was deployed to shop: answered 500',
    ],
    [
      { outcome: 'rolled_back', active: older, failure: gateFailure, downtime_ms: 2_500 },
      `${newer} failed: answered 500; shop is back on ${older}, verified healthy, in 812 ms; the port was closed for 2.5 s`,
    ],
    [{ outcome: 'failed', failure: gateFailure }, 'shop IS NOT VERIFIED HEALTHY: answered 500'],
    [
      { ...firstFails, steps: [step('stop', 'reverted'), step('start', 'failed')] },
      'shop IS NOT VERIFIED HEALTHY: answered 500; the unit was stopped',
    ],
    [{ ...firstFails, steps: [step('stop', 'failed')] }, 'shop IS NOT VERIFIED HEALTHY: answered 500'],
    [
      { ...firstFails, strategy: 'socket', steps: [step('swap', 'reverted'), step('restart', 'failed')] },
      'shop IS NOT VERIFIED HEALTHY: answered 500; the unit was stopped, and its socket with it',
    ],
    [
      { ...firstFails, strategy: 'overlap', steps: [step('stand-in', 'failed')] },
      'shop IS NOT VERIFIED HEALTHY: answered 500; the unit was stopped, and its socket with it',
    ],
    [
      { ...firstFails, strategy: 'overlap', steps: [step('stand-in', 'revert_failed')] },
      'shop IS NOT VERIFIED HEALTHY: answered 500',
    ],
    [{ outcome: 'interrupted' }, 'shop was not touched: interrupted'],
    [
      { outcome: 'interrupted', failure: { ...gateFailure, message: 'interrupted by SIGINT' } },
      'shop was not touched: interrupted by SIGINT',
    ],
  ];
  for (const [changed, sentence] of cases) assert.is(sentenceOf(documentWith(changed)), sentence);
});

function step(name: string, status: StepRecord['status']): StepRecord {
  return { name, status, duration_ms: 0 };
}

test('S4: nobody says of a build that it failed when a person interrupted it', () => {
  const failure = { ...gateFailure, reason: 'interrupted', message: 'interrupted by SIGINT' } as const;
  const told = sentenceOf(documentWith({ outcome: 'rolled_back', active: older, failure, downtime_ms: null }));
  assert.is(
    told,
    `${newer} was given up: interrupted by SIGINT; shop is back on ${older}, verified healthy, in 812 ms`,
  );
});

test('P3: a restore is told of as what it is, by what settles it too', () => {
  const cutOff = { step: 'keep', reason: 'interrupted', message: 'cut off', evidence: null } as const;
  const [stop, keep] = [step('stop', 'done'), step('keep', 'done')];
  const again = `; shop serves ${newer} again, verified healthy`;
  const cases: [StepRecord[], NonNullable<RunDocument['failure']>, string][] = [
    [[stop, step('keep', 'failed')], cutOff, 'the database is as it was: cut off'],
    [
      [stop, keep, step('restore', 'failed')],
      { ...cutOff, step: 'restore' },
      'the database is as the backup was or as it was before: cut off',
    ],
    [
      [stop, keep, step('restore', 'done'), step('start', 'failed')],
      { ...cutOff, step: 'start' },
      'the database is restored, but cut off',
    ],
    [
      [stop, keep, step('restore', 'failed')],
      { ...cutOff, step: 'restore', reason: 'database' },
      'the database is as it was: cut off',
    ],
  ];
  for (const [steps, failure, sentence] of cases) {
    const ending = { outcome: 'rolled_back', steps, failure, downtime_ms: null } as const;
    for (const kind of ['restore', 'settle'] as const)
      assert.is(sentenceOf(documentWith({ kind, ...ending })), sentence + again);
  }
  const settled = documentWith({ kind: 'settle', outcome: 'failed', failure: cutOff, steps: [stop, keep] });
  assert.is(nextCommands(settled, 'system').length, 2, 'another build changes nothing of the data');
});

test('B2: data that was not put back: what to type puts it back, and no other build is offered', () => {
  const unrestored = '/var/backups/cutover/shop@production-20260203-151120-4f2a.sqlite.gz';
  const failed = documentWith({ outcome: 'failed', failure: { ...gateFailure, unrestored } });
  assert.equal(nextCommands(failed, 'system'), [
    'cutover restore shop shop@production-20260203-151120-4f2a.sqlite.gz',
    'systemctl status shop.service',
    'journalctl -u shop.service -n 50',
  ]);
});

test('P3: a deploy without the backup that it should have made says so; a restore beside a service that is down names its start', () => {
  const warned = { ...step('backup', 'done'), warning: 'the backup failed' };
  assert.match(sentenceOf(documentWith({ steps: [warned] })), /; WITHOUT BACKUP$/);
  const restored = documentWith({
    kind: 'restore',
    active: null,
    steps: [step('keep', 'done'), step('restore', 'done')],
  });
  assert.is(sentenceOf(restored), 'the database of shop is restored in 812 ms; shop.service does not run');
  assert.equal(nextCommands(restored, 'system'), ['systemctl start shop.service']);
});

test('S8: a run without an outcome is told as far as it came', () => {
  const [stop, swap, start] = [step('stop', 'done'), step('swap', 'done'), step('start', 'failed')];
  const failure = { ...gateFailure, message: 'the process ended' };
  const cases: [Partial<ToldRun>, string][] = [
    [{ unfinished: { state: 'at_work', pid: 812 }, failure: null }, `run ${run} is at work on shop (pid 812)`],
    [{ steps: [stop, swap, start] }, 'shop was cut off after swap; cutover settle shop'],
    [{ steps: [step('stop', 'failed')] }, 'shop was cut off in stop; cutover settle shop'],
    [{ steps: [stop, step('swap', 'reverted'), start] }, 'shop was cut off on its way back; cutover settle shop'],
    [{ steps: [] }, 'shop was not touched: the process ended'],
    [
      { steps: [stop], unfinished: { state: 'not_recorded', pid: null } },
      `how run ${run} of shop ended was not written down: cutover status shop`,
    ],
  ];
  const cutOff = {
    ...documentWith({ outcome: 'interrupted', failure }),
    unfinished: { state: 'cut_off', pid: null } as const,
  };
  for (const [changed, sentence] of cases) assert.is(sentenceOf({ ...cutOff, ...changed }), sentence);
});

test('S4: what did not go well says what to type next', () => {
  for (const outcome of ['deployed', 'unchanged', 'refused', 'interrupted'] as const)
    assert.equal(nextCommands(documentWith({ outcome }), 'system'), [], outcome);
  const back = documentWith({ outcome: 'rolled_back', failure: gateFailure });
  assert.equal(nextCommands(back, 'system'), [`cutover report shop ${run}`, `cutover logs shop ${run}`]);
  const failed = nextCommands(documentWith({ outcome: 'failed', failure: gateFailure }), 'system');
  const look = ['systemctl status shop.service', 'journalctl -u shop.service -n 50'];
  assert.equal(failed, [...look, 'cutover rollback shop', `cutover deploy shop ${newer} --fix-forward`]);
  const firstOne = documentWith({ outcome: 'failed', from: null, active: null, failure: gateFailure });
  assert.equal(nextCommands(firstOne, 'system'), [...look, `cutover deploy shop ${newer}`]);
  const settled = documentWith({ kind: 'settle', outcome: 'failed', failure: gateFailure });
  assert.equal(nextCommands(settled, 'system'), failed);
  const taken = nextCommands(
    documentWith({ outcome: 'failed', failure: { ...gateFailure, reason: 'port_taken' } }),
    'system',
  );
  assert.is(taken[0], 'sudo ss -ltnp');
});

test('S4: what to type about a unit of the user goes to his manager', () => {
  const failed = nextCommands(documentWith({ outcome: 'failed', failure: gateFailure }), 'user');
  assert.equal(failed.slice(0, 2), ['systemctl --user status shop.service', 'journalctl --user -u shop.service -n 50']);
  const port = { ...gateFailure, reason: 'port_taken' } as const;
  const taken = nextCommands(documentWith({ outcome: 'failed', failure: port }), 'user');
  assert.is(taken[1], 'systemctl --user restart shop.service');
});
