import * as assert from 'uvu/assert';
import { StepFailure } from '../../lib/run/failure.ts';
import { startUnit } from '../../lib/deploy/start.ts';
import { requireStarted } from '../../lib/deploy/started.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import type { PropertyListener } from '../../lib/systemd/watch.ts';
import { rejection } from '../builds/directory.ts';
import { inputsOf } from '../run/samples.ts';
import { suite } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';

const test = suite('deploy/started');
const down = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0, Type: 'exec', ConditionResult: false };
const condition = ['ConditionPathExists', false, false, '/run/may-start', -1];
const facts = factsWith({ activeState: 'inactive', subState: 'dead', mainPid: 0 });

/** A manager whose unit is down, with what it knows of it, and what it signals while it starts it. */
function managerWith(properties: Record<string, unknown>, signals: [string, unknown][][] = []): Systemd {
  let tell: PropertyListener | undefined;
  const systemd = {
    kind: 'user',
    property: async (_unit: string, _kind: string, name: string) => ({ ...down, ...properties })[name],
    facts: async () => facts,
    resetFailed: async () => {},
    watch: async (_unit: string, listener: PropertyListener) => {
      tell = listener;
      return () => {};
    },
    start: async () => {
      for (const signal of signals) tell?.(new Map(signal));
      return 'done';
    },
  };
  return systemd as unknown as Systemd;
}

test('S4: a unit without conditions that was unloaded when it had ended has none that is not met', async () => {
  const error = await rejection(requireStarted(managerWith({ Conditions: [] }), 'app.service', 'done'));
  assert.ok(error instanceof StepFailure);
  assert.equal([error.reason, error.message], ['exited', 'app.service stopped running']);
});

test('S4: a unit that was not started is told of with what to type to its own manager', async () => {
  const tried = managerWith({ Conditions: [condition] });
  const error = await rejection(requireStarted(tried, 'app.service', 'done'));
  assert.ok(error instanceof StepFailure);
  assert.is(error.reason, 'systemd');
  assert.match(
    error.message,
    /was not started by systemd: a Condition…= of it is not met \(systemctl --user status app/,
  );
});

test('S4: what was seen to live and to end was started', async (t) => {
  const tried = managerWith({ Conditions: [condition] }, [
    [
      ['ActiveState', 'active'],
      ['SubState', 'running'],
      ['MainPID', 7],
    ],
    [
      ['MainPID', 0],
      ['ExecMainCode', 1],
      ['ExecMainStatus', 0],
      ['Result', 'success'],
    ],
  ]);
  const { target } = inputsOf('20260203-151120-4f2a');
  const error = await rejection(startUnit(tried, { ...target, ports: [] }, t.signal));
  assert.ok(error instanceof StepFailure);
  assert.equal([error.reason, error.message], ['exited', `${target.unit} exited with status 0`]);
});
