import { CutoverError, messageOf } from '../base/errors.ts';
import { longestWaitMs } from '../base/wait.ts';
import { parseDuration } from '../config/quantities.ts';

const defaultWaitMs = 5 * 60_000;

/** The value of `--wait[=5min]` in milliseconds; 0 without it. @throws `usage` */
export function waitMsOf(value: string | number | boolean | undefined): number {
  if (value === undefined || value === false) return 0;
  if (value === true || value === 'true') return defaultWaitMs;
  return waitOption(value, '5min');
}

/** The value of a `--wait` that is given, in milliseconds. @throws `usage`, with the example to type */
export function waitOption(value: string | number, example: string): number {
  const ms = durationOption('--wait', value, example);
  if (ms <= longestWaitMs) return ms;
  throw new CutoverError('usage', `--wait: ${value} is longer than 24 days`, { mend: `--wait=${example}` });
}

/** The value of an option that takes a duration, in milliseconds. @throws `usage`, with the example to type */
export function durationOption(flag: string, value: string | number, example: string): number {
  try {
    return parseDuration(String(value));
  } catch (error) {
    throw new CutoverError('usage', `${flag}: ${messageOf(error)}`, { mend: `${flag}=${example}` });
  }
}
