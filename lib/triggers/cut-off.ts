import type { Place } from '../deployer/place.ts';
import { settle } from '../deployer/settle.ts';
import type { RunDocument } from '../run/document.ts';
import { leaveHold } from '../run/hold.ts';
import { readInFlight } from '../run/in-flight.ts';

/**
 * Ends the run that was cut off, if there is one: it is told of, and the run that may follow gets a scope of its own.
 * @param waitMs how long to wait for whoever is at work; 0: not at all
 * @param own the run that whoever asks tells of by themselves; null: none
 * @returns null: there was nothing to end
 * @throws `locked`, `permission`, `disk`, `bus_lost`, `systemd_unavailable`; the signal's reason while it waits
 */
export async function endCutOff(
  place: Place,
  { waitMs, own = null }: { waitMs: number; own?: string | null },
): Promise<RunDocument | null> {
  const { config, target, systemd, paths, emit } = place;
  if ((await readInFlight(paths)) === null) return null;
  const document = await settle(place, { waitMs });
  if (document && document.run !== own) emit({ type: 'settled', document });
  // The next run needs a scope of its own.
  await leaveHold({ systemd, app: config.app, target: target.name });
  return document;
}
