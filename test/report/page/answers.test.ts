import * as assert from 'uvu/assert';
import { answersOf } from '../../../lib/report/page/answers.ts';
import { suite } from '../../suite.ts';

const test = suite('report/page/answers');

test('S11: how often the health was asked, and how often there was a bad answer', () => {
  const health = { answers: [], samples: [], median_ms: 4, failed: 0, error_rate: 0 };
  const once = answersOf({ ...health, asked: 1, window_ms: 0 }).text;
  assert.match(once, '<b class="">0 % failed</b> (0 of 1 question), median 4 ms');
  const some = answersOf({ ...health, asked: 12, failed: 3, error_rate: 0.25, window_ms: 60_000 }).text;
  assert.match(some, '<b class="bad">25.0 % failed</b> (3 of 12 questions in 1 min)');
});
