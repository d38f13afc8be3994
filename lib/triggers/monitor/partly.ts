import { ExitCode, isCutoverError, messageOf } from '../../base/errors.ts';
import type { Place } from '../../deployer/place.ts';
import { type Began, conclude, type Pass } from './conclude.ts';
import { countProblems } from './count.ts';
import { type Known, knownBefore } from './known.ts';
import { failing, type Found } from './looks.ts';
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

async function concludePart(place: Place, { found, keys, ...rest }: Part): Promise<Pass> {
  const known: Known = { ...(await knownBefore(place)), isInBake: false };
  const isSeen = (key: string): boolean => [passKey, stateKey, ...keys].includes(key);
  const { problems, noted } = await countProblems(place, known, { found, isSeen });
  const nothingDone = { actions: [], document: null, recoveries: [] };
  return conclude(place, known, { ...rest, ...nothingDone, found: [...found, ...noted], problems, isSeen });
}
