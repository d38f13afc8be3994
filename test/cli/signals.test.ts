import * as assert from 'uvu/assert';
import { messageOf } from '../../lib/base/errors.ts';
import { interruptSignal, watcherSignal } from '../../lib/cli/signals.ts';
import { suite } from '../suite.ts';

const test = suite('cli/signals');
const names = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

test('however many ask, the process has one listener for each signal', () => {
  interruptSignal();
  watcherSignal();
  const before = names.map((name) => process.listenerCount(name));
  for (let asked = 0; asked < 20; asked += 1) {
    interruptSignal();
    watcherSignal();
  }
  assert.equal(
    names.map((name) => process.listenerCount(name)),
    before,
  );
});

test('a signal aborts all that were asked for before it, and none that is asked for later', () => {
  const first = [interruptSignal(), interruptSignal(), watcherSignal()];
  process.emit('SIGTERM', 'SIGTERM');
  assert.equal(
    first.map(({ aborted }) => aborted),
    [true, true, true],
  );
  assert.match(messageOf(first[0]?.reason), 'SIGTERM');
  const later = interruptSignal();
  assert.not.ok(later.aborted);
  process.emit('SIGINT', 'SIGINT');
  assert.ok(later.aborted);
});

test('the end of the terminal ends what only looks', () => {
  const [run, watch] = [interruptSignal(), watcherSignal()];
  process.emit('SIGHUP', 'SIGHUP');
  assert.equal([run.aborted, watch.aborted], [false, true]);
});
