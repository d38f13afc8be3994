import { ExitCode, isCutoverError, messageOf } from '../../base/errors.ts';
import type { Place } from '../../deployer/place.ts';
import { readInFlight } from '../../run/in-flight.ts';
import { downKey, downMs } from './alerts.ts';
import { type Began, conclude, type Pass, passedOver } from './conclude.ts';
import { countProblems } from './count.ts';
import { type Known, knownBefore } from './known.ts';
import { failing, type Found, lookAtService, serviceKey } from './looks.ts';
import { stateKey } from './note.ts';

export const passKey = 'pass';

/** What a pass that saw only a part saw: nothing is done about it. */
interface Part {
  found: Found[];
  /** what it can speak of, besides of itself and of its state */
  keys: readonly string[];
  passedOver: string | null;
  began: Began;
}

/** A pass that came to nothing is a problem like any other: nobody looks at a service that no pass comes to see. */
export async function failedPass(place: Place, error: unknown, began: Began): Promise<Pass> {
  const found = [failing(passKey, messageOf(error))];
  const pass = await concludePart(place, { found, keys: [], passedOver: null, began });
  const exit_code = isCutoverError(error) ? error.exitCode : ExitCode.failed;
  return { ...pass, report: { ...pass.report, exit_code } };
}

/**
 * A pass beside a run. One that has been at work for longer than a service may be down may hang with the service down: then that
 * is counted and told, and nothing is done.
 * @param why it is no moment to look at all
 * @throws as `lookAtService`
 */
export async function passBeside(place: Place, why: string, began: Began): Promise<Pass> {
  const mark = await readInFlight(place.paths);
  if (mark === null || !(Date.now() - Date.parse(mark.since) > downMs)) return passedOver(place, why, began);
  const seen = await lookAtService(place, null);
  const found = seen.found
    .filter(({ key }) => key === serviceKey)
    .map((one) => ({ ...one, message: `${one.message}; run ${mark.run} has been at work since ${mark.since}` }));
  const isWell = found.length === 0;
  return concludePart(place, { found, keys: [serviceKey, downKey], passedOver: isWell ? why : null, began });
}

async function concludePart(place: Place, { found, keys, ...rest }: Part): Promise<Pass> {
  const known: Known = { ...(await knownBefore(place)), isInBake: false };
  const isSeen = (key: string): boolean => [passKey, stateKey, ...keys].includes(key);
  const { problems, noted } = await countProblems(place, known, { found, isSeen });
  const nothingDone = { actions: [], document: null, recoveries: [] };
  return conclude(place, known, { ...rest, ...nothingDone, found: [...found, ...noted], problems, isSeen });
}
