import { messageOf } from '../../base/errors.ts';
import type { Place } from '../../deployer/place.ts';
import type { Found } from './looks.ts';
import { type MonitorState, writeState } from './state.ts';

/** A state that cannot be written is a finding: without it no failures add up. */
export async function noteState({ paths }: Place, state: MonitorState): Promise<Found[]> {
  return writeState(paths, state).then(
    () => [],
    (error: unknown) => {
      const message = `what the next pass has to know could not be kept: ${messageOf(error)}`;
      return [{ key: 'state', level: 'fail', message }];
    },
  );
}
