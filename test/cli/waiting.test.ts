import * as assert from 'uvu/assert';
import type { CutoverError } from '../../lib/base/errors.ts';
import { durationOption, waitMsOf } from '../../lib/cli/waiting.ts';
import { suite } from '../suite.ts';

const test = suite('cli/waiting');

test('S8: a wait is no longer than a timer can be', () => {
  assert.is(waitMsOf('24d'), 24 * 24 * 3_600_000);
  for (const text of ['25d', '1M', '1y']) {
    assert.throws(
      () => waitMsOf(text),
      (error: CutoverError) => error.exitCode === 64 && error.message === `--wait: ${text} is longer than 24 days`,
      text,
    );
  }
});

test('an age may be longer than a timer can be', () => {
  assert.is(durationOption('--since', '90d', '30d'), 90 * 24 * 3_600_000);
});
