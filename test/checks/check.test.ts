import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { askAll, type CheckAnswer, fail, isSafe, pass, warn } from '../../lib/checks/check.ts';
import { suite } from '../suite.ts';

const test = suite('checks/check');

test('S1: all are asked at once; answers come in the order of the checks, and are told as they come', async () => {
  const told: string[] = [];
  const gate = new AbortController();
  const answers = await askAll(
    [
      { name: 'slow', ask: () => once(gate.signal, 'abort').then(() => pass('a', 'b')) },
      { name: 'fast', ask: async () => (gate.abort(), warn('a', 'b', 'c')) },
    ],
    ({ name }) => void told.push(name),
  );
  assert.equal(
    answers.map(({ name }) => name),
    ['slow', 'fast'],
  );
  assert.equal(told.toSorted(), ['fast', 'slow']);
  assert.equal(answers[1], { name: 'fast', status: 'warn', observed: 'a', expected: 'b', mend: 'c' });
  assert.equal(await askAll([]), []);
});

test('S1: a check that cannot be asked has failed, and does not keep the others', async () => {
  const throwing: [unknown, string, string][] = [
    [
      new CutoverError('bus_lost', 'the connection was lost', { mend: 'systemctl status' }),
      'the connection was lost',
      'systemctl status',
    ],
    [new Error('own'), 'own', 'look at the cause named here'],
    ['text', 'text', 'look at the cause named here'],
  ];
  for (const [thrown, observed, mend] of throwing) {
    const answers = await askAll([
      { name: 'bad', ask: () => Promise.reject(thrown) },
      { name: 'good', ask: async () => pass('a', 'b') },
    ]);
    assert.equal(answers[0], { name: 'bad', status: 'fail', observed, expected: 'an answer', mend });
    assert.is(answers[1]?.status, 'pass');
    assert.is(isSafe(answers), false);
  }
});

test('S1: a check that throws before it has promised anything has failed, too', async () => {
  const answers = await askAll([
    { name: 'bad', ask: () => assert.unreachable('own') as never },
    { name: 'good', ask: async () => pass('a', 'b') },
  ]);
  assert.equal(
    answers.map(({ name, status, observed }) => [name, status, observed]),
    [
      ['bad', 'fail', 'own'],
      ['good', 'pass', 'a'],
    ],
  );
});

const named = (answer: Omit<CheckAnswer, 'name'>): CheckAnswer => ({ name: 'x', ...answer });

test('S1: only a failure speaks against going on', () => {
  assert.is(isSafe([]), true);
  assert.is(isSafe([named(pass('a', 'b')), named(warn('a', 'b', 'c'))]), true);
  assert.is(isSafe([named(pass('a', 'b')), named(fail('a', 'b', 'c'))]), false);
});
