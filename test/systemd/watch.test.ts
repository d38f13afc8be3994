import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import type { Bus } from '../../lib/systemd/bus.ts';
import { openConnection } from '../../lib/systemd/connection.ts';
import { watchUnit } from '../../lib/systemd/watch.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/watch');

/** A bus that notes its rules and its listeners; a rule is in place when `answer` says so. */
function makeBus(answer: (rule: string) => Promise<unknown>) {
  const lost = openController();
  const rules = new Set<string>();
  const listeners = new Set<unknown>();
  const bus: Bus = {
    kind: 'system',
    lost: lost.signal,
    call: async () => [],
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async addMatch(rule) {
      if (!rule.includes('PropertiesChanged')) return;
      rules.add(rule);
      await answer(rule);
    },
    removeMatch: (rule) => void rules.delete(rule),
    close: () => {},
  };
  return { bus, lost, rules, listeners };
}

test('S12: a watch that is ended while it finds its bus again leaves nothing there', async () => {
  const first = makeBus(async () => {});
  const asked = openController();
  const answered = openController();
  const second = makeBus(() => {
    asked.abort();
    return once(answered.signal, 'abort');
  });
  const buses = [first.bus, second.bus];
  const connection = openConnection('system', async () => buses.shift() as Bus);
  const reached = once(asked.signal, 'abort');
  const stop = await watchUnit(connection, 'app.service', () => {});
  first.lost.abort();
  await reached;
  assert.equal([second.rules.size, second.listeners.size], [1, 1]);
  stop();
  answered.abort();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal([second.rules.size, second.listeners.size], [0, 0]);
});

test('S8: a watch whose bus goes away before it is there tells what happened meanwhile', async () => {
  const lost = new CutoverError('bus_lost', 'lost');
  const first = makeBus(async () => {
    first.lost.abort(lost);
    throw lost;
  });
  const second = makeBus(async () => {});
  second.bus.call = async ({ member }) => (member === 'GetAll' ? [{ ActiveState: { value: 'active' } }] : []);
  const buses = [first.bus, second.bus];
  const connection = openConnection('system', async () => buses.shift() as Bus);
  const told: unknown[] = [];
  const stop = await watchUnit(connection, 'app.service', (changed) => told.push(changed.get('ActiveState')));
  stop();
  assert.equal(told, ['active']);
});
