import * as assert from 'uvu/assert';
import { fanOut, type RunEvent } from '../../lib/run/events.ts';
import { suite } from '../suite.ts';

const test = suite('run/events');
const note = (message: string): RunEvent => ({ type: 'note', message });

test('S10: every listener gets every event, in the order of both', () => {
  const told: string[] = [];
  const listener = (name: string) => (event: RunEvent) =>
    void told.push(`${name} ${event.type === 'note' && event.message}`);
  const emit = fanOut([listener('a'), listener('b')], () => told.push('broken'));
  emit(note('1'));
  emit(note('2'));
  assert.equal(told, ['a 1', 'b 1', 'a 2', 'b 2']);
});

test('S10: a listener that throws is told of once and left out; the others go on', () => {
  const told: string[] = [];
  const broken: unknown[] = [];
  let asked = 0;
  const fault = new Error('no space left');
  const bad = (): never => {
    asked += 1;
    throw fault;
  };
  const emit = fanOut([bad, () => void told.push('heard')], (error) => void broken.push(error));
  for (let times = 0; times < 3; times += 1) emit(note('x'));
  assert.equal(told, ['heard', 'heard', 'heard']);
  assert.is(asked, 1);
  assert.equal(broken, [fault]);
});

test('S10: without a listener an event is nothing', () => {
  fanOut([], () => assert.unreachable())(note('x'));
});
