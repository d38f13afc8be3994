import { EventEmitter } from 'node:events';
import * as assert from 'uvu/assert';
import { noteFaults, surviveFaults } from '../../../lib/triggers/serve/faults.ts';
import { serveLog } from '../../../lib/triggers/serve/log.ts';
import { limiter } from '../../../lib/triggers/serve/rate.ts';
import { suite } from '../../suite.ts';

const test = suite('triggers/serve/faults');

test('W1: what nobody caught is told, is in the health for five minutes, and ends nothing', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const faults = noteFaults(
    serveLog((line) => void lines.push(line), true),
    () => nowMs,
  );
  const process = new EventEmitter();
  const forget = surviveFaults(faults, process);
  assert.is(faults.problem(), null);
  process.emit('uncaughtException', new Error('nobody caught this'));
  process.emit('unhandledRejection', 'nor this');
  assert.match(lines[0] ?? '', '<3>an error that nobody caught: nobody caught this at ');
  assert.is(faults.problem(), 'an error that nobody caught: nor this');
  nowMs = 5 * 60_000;
  assert.is(faults.problem(), null);
  forget();
  assert.equal(process.eventNames(), []);
});

test('W1: so many at once, so many a second; a clock that stands still gives nobody more', () => {
  let nowMs = 0;
  const rates = { each: { burst: 3, perSecond: 1 }, all: { burst: 5, perSecond: 10 } };
  const { ask } = limiter(rates, () => nowMs);
  const answers = (address: string, times: number) => Array.from({ length: times }, () => ask(address));
  assert.equal(answers('a', 5), [null, null, null, 1, 1]);
  assert.equal(answers('b', 3), [null, null, 1], 'all together have their bound, too');
  nowMs = 1_000;
  assert.equal(answers('a', 2), [null, 1]);
  nowMs = 100_000;
  assert.equal(answers('a', 4), [null, null, null, 1], 'no more than at the beginning');
});
