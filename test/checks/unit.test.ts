import * as assert from 'uvu/assert';
import type { Answer } from '../../lib/checks/check.ts';
import { askRestartLimit, askUnit, askUnitFile } from '../../lib/checks/unit.ts';
import type { UnitFacts } from '../../lib/systemd/facts.ts';
import { suite } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';

const test = suite('checks/unit');
type Case = [changed: Partial<UnitFacts>, status: Answer['status'], observed: string, mend: string | null];

/** Holds an answer against its row, and every answer that is not good against its promise to say what to type. */
function compare(answer: Answer, [changed, status, observed, mend]: Case): void {
  const about = JSON.stringify(changed);
  assert.equal([answer.status, answer.observed], [status, observed], about);
  if (mend === null) assert.is(answer.mend, null, about);
  else assert.match(answer.mend ?? '', mend, about);
  if (answer.status !== 'pass') assert.ok(answer.mend, about);
}

test('S1: the unit exists, is loaded, is up; what it is instead is said with what to type', () => {
  const rows: Case[] = [
    [{}, 'pass', 'active (running)', null],
    [{ activeState: 'reloading', subState: 'reload' }, 'pass', 'reloading (reload)', null],
    [
      { loadState: 'not-found', activeState: 'inactive', subState: 'dead' },
      'fail',
      'no such unit',
      "list-unit-files 'app.service'",
    ],
    [
      { loadState: 'masked', activeState: 'inactive', subState: 'dead' },
      'fail',
      'masked',
      'systemctl unmask app.service',
    ],
    [
      { loadState: 'bad-setting', loadError: 'no ExecStart=' },
      'fail',
      'bad-setting: no ExecStart=',
      'systemd-analyze verify',
    ],
    [{ loadState: 'error' }, 'fail', 'error', 'systemd-analyze verify app.service'],
    [
      { activeState: 'failed', subState: 'failed', result: 'exit-code' },
      'fail',
      'failed: exit-code',
      'cutover rollback',
    ],
    [{ activeState: 'failed', subState: 'failed', result: 'oom-kill' }, 'fail', 'failed: oom-kill', '--fix-forward'],
    [
      { activeState: 'failed', result: 'start-limit-hit' },
      'fail',
      'failed: start-limit-hit',
      'journalctl -u app.service',
    ],
    [{ activeState: 'inactive', subState: 'dead' }, 'fail', 'inactive (dead)', 'systemctl start app.service'],
    [
      { activeState: 'activating', subState: 'auto-restart' },
      'fail',
      'activating (auto-restart)',
      ', then cutover rollback or cutover deploy --fix-forward',
    ],
    [
      { activeState: 'deactivating', subState: 'stop-sigterm' },
      'fail',
      'deactivating (stop-sigterm)',
      'systemctl start',
    ],
  ];
  for (const row of rows) compare(askUnit(factsWith(row[0]), { isFirst: false }), row);
});

test('S2: before the first deploy the unit must be loaded, and need not run', () => {
  const rows: Case[] = [
    [{ activeState: 'inactive', subState: 'dead' }, 'pass', 'inactive (dead)', null],
    [{ activeState: 'failed', subState: 'failed', result: 'exit-code' }, 'pass', 'failed (failed)', null],
    [{ loadState: 'not-found' }, 'fail', 'no such unit', 'list-unit-files'],
    [{ loadState: 'masked' }, 'fail', 'masked', 'unmask'],
  ];
  for (const row of rows) compare(askUnit(factsWith(row[0]), { isFirst: true }), row);
});

test('S12: a unit file that changed on the disk is a warning; an alias is not the name of a unit', () => {
  const path = '/etc/systemd/system/app.service';
  const rows: Case[] = [
    [{}, 'pass', path, null],
    [{ fragmentPath: null }, 'pass', 'loaded', null],
    [{ needDaemonReload: true }, 'warn', 'the unit file changed on the disk', 'systemctl daemon-reload'],
    [{ id: 'real.service' }, 'fail', 'app.service is an alias of real.service', 'unit = "real.service"'],
    [{ loadState: 'not-found' }, 'fail', 'not-found', 'systemctl status app.service'],
    [{ loadState: 'masked' }, 'fail', 'masked', 'systemctl status app.service'],
  ];
  for (const row of rows) compare(askUnitFile(factsWith(row[0])), row);
});

test('S1: a used-up restart limit is seen, whichever way systemd tells it', () => {
  const reset = 'systemctl reset-failed app.service';
  const failed = { activeState: 'failed', subState: 'failed' };
  const rows: Case[] = [
    [{}, 'pass', '0 restarts', null],
    [{ restarts: 1 }, 'pass', '1 restart', null],
    [{ restarts: 2 }, 'pass', '2 restarts', null],
    [{ restarts: 3 }, 'fail', '3 restarts', reset],
    [{ restarts: 3, startLimitBurst: 5 }, 'pass', '3 restarts', null],
    [{ restarts: 30, startLimitBurst: 0 }, 'pass', '30 restarts', null],
    [{ restarts: 30, startLimitIntervalMs: 0 }, 'pass', '30 restarts', null],
    [{ ...failed, restarts: 3, result: 'exit-code' }, 'fail', 'gave up after 3 restarts', reset],
    [{ ...failed, restarts: 1, result: 'signal', restart: 'on-failure' }, 'fail', 'gave up after 1 restart', reset],
    [{ ...failed, result: 'start-limit-hit' }, 'fail', 'start limit hit', reset],
    [{ ...failed, result: 'start-limit-hit', restart: 'no' }, 'fail', 'start limit hit', reset],
    [{ ...failed, result: 'exit-code', restart: 'no' }, 'pass', '0 restarts', null],
  ];
  for (const row of rows) compare(askRestartLimit(factsWith(row[0]), factsWith().stateChangedMs + 1_000), row);
});

test('S1: restarts that are longer ago than the interval count no more', () => {
  const facts = factsWith({ restarts: 5 });
  assert.is(askRestartLimit(facts, facts.stateChangedMs + 299_999).status, 'fail');
  assert.is(askRestartLimit(facts, facts.stateChangedMs + 300_000).status, 'pass');
  assert.is(askRestartLimit(facts, 0).expected, 'fewer than 3 restarts in 300 s');
  assert.is(askRestartLimit(factsWith({ startLimitBurst: 0 }), 0).expected, 'no limit set');
});

test('S1: what to type about a unit of the user goes to his manager', () => {
  const user: Partial<UnitFacts> = { manager: 'user' };
  const failed = { ...user, activeState: 'failed', subState: 'failed', result: 'exit-code' };
  const answers = [
    askUnit(factsWith(failed), { isFirst: false }),
    askUnit(factsWith({ ...user, activeState: 'inactive', subState: 'dead' }), { isFirst: false }),
    ...['masked', 'not-found', 'error'].map((loadState) =>
      askUnit(factsWith({ ...user, loadState }), { isFirst: true }),
    ),
    askUnitFile(factsWith({ ...user, loadState: 'masked' })),
    askUnitFile(factsWith({ ...user, needDaemonReload: true })),
    askRestartLimit(factsWith(failed), 0),
  ];
  for (const { mend } of answers) {
    assert.match(mend ?? '', '--user ');
    assert.not.match(mend ?? '', /(systemctl|journalctl|systemd-analyze) (?!--user)/);
  }
});
