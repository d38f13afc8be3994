import { CutoverError, messageOf } from '../base/errors.ts';
import { parseDuration } from '../config/quantities.ts';

const defaultWaitMs = 5 * 60_000;

/** The value of `--wait[=5min]` in milliseconds; 0 without it. @throws `usage` */
export function waitMsOf(value: string | number | boolean | undefined): number {
  if (value === undefined || value === false) return 0;
  if (value === true || value === 'true') return defaultWaitMs;
  try {
    return parseDuration(String(value));
  } catch (error) {
    throw new CutoverError('usage', `--wait: ${messageOf(error)}`, { mend: '--wait=5min' });
  }
}
