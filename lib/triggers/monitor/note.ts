import { messageOf } from '../../base/errors.ts';
import type { Place } from '../../deployer/place.ts';
import type { Found } from './looks.ts';
import { writeSpare } from './spare.ts';
import { type MonitorState, textOf, writeState } from './state.ts';

export const stateKey = 'state';

/**
 * Keeps what the next pass has to know: in memory where the directory of state cannot be written, since without it no failures
 * add up, and what was done is done again. That is a finding.
 */
export async function noteState({ paths }: Pick<Place, 'paths'>, state: MonitorState): Promise<Found[]> {
  try {
    await writeState(paths, state);
    return [];
  } catch (error) {
    const instead = await writeSpare(paths, textOf(state)).then(
      (path) => `until the machine goes down it is in ${path}`,
      (why: unknown) => `nor in memory: ${messageOf(why)}`,
    );
    const message = `what the next pass has to know could not be kept: ${messageOf(error)}; ${instead}`;
    return [{ key: stateKey, level: 'fail', severity: 'critical', message }];
  }
}
