import { type Answer, pass, warn } from '../check.ts';
import { write } from './mend.ts';
import { isShared, type Rule, type Service } from './patient.ts';

const expected = 'a socket on which nobody blocks: several processes share it';

/**
 * systemd hands a socket over as a blocking one unless told so, and the flag belongs to the socket, whoever shares it.
 * Of two processes that wake up for one connection, the loser then sits in accept(2), with all its clients, until somebody
 * connects anew. Some programs, such as Node, set the flag themselves; nginx does not.
 */
export const nonBlocking: Rule = {
  name: 'non_blocking',
  appliesTo: (patient) => isShared(patient) && patient.sockets.length > 0,
  ask: ({ services }) => {
    const found = services.flatMap(blocking);
    return found.length > 0 ? found : [pass('NonBlocking=yes', expected)];
  },
};

function blocking({ facts, isNonBlocking }: Service): Answer[] {
  if (facts.loadState !== 'loaded' || isNonBlocking) return [];
  const observed = `NonBlocking=no in ${facts.unit}: a process that loses the race for a connection hangs`;
  return [warn(observed, expected, write(facts, 'Service', 'NonBlocking=yes'))];
}
