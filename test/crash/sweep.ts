import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';
import type { Site } from '../deploy/site.ts';
import { deployNext } from './next.ts';

/** One run that dies at a moment, and all that must hold after it. */
export type Round = (site: Site, moment: string) => Promise<void>;

/**
 * Plays a round for every moment, on two sites at once unless told otherwise. A moment after which something does not hold is named, and
 * the others go on, on a new site. In the end a plain deploy works there.
 */
export async function sweep(
  passed: readonly { moment: string }[],
  site: () => Promise<Site>,
  round: Round,
  { lanes = 2 }: { lanes?: number } = {},
): Promise<void> {
  assert.ok(passed.length > 0, 'there are no moments');
  const queue = passed.map(({ moment }) => moment);
  const problems: string[] = [];
  const lane = async (): Promise<void> => {
    let own: Site | undefined;
    for (let moment = queue.shift(); moment !== undefined; moment = queue.shift()) {
      own ??= await site();
      try {
        await round(own, moment);
      } catch (error) {
        problems.push(`${moment}: ${textOf(error)}`);
        own = undefined;
      }
    }
    if (own) await deployNext(own);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (problems.length > 0) throw new Error(`${problems.length} of ${passed.length} moments:\n${problems.join('\n')}`);
}

function textOf(error: unknown): string {
  const { message, details } = error as { message: string; details?: string };
  return details ? `${message}\n${stripVTControlCharacters(details)}` : message;
}
