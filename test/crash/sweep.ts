import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';
import type { Site } from '../deploy/site.ts';
import { deployNext } from './next.ts';

/** One run that dies at a moment, and all that must hold after it. False: the run was over before that moment. */
export type Round = (site: Site, moment: string) => Promise<boolean | void>;

export interface Field {
  /** a site that is there already, and has been deployed to */
  first: Site;
  /** makes one more like it */
  another: () => Promise<Site>;
  /** on how many sites at once; default 2 */
  lanes?: number;
  /** whether the runs differ: then every other moment may never come */
  varies?: boolean | undefined;
}

/**
 * Plays a round for every moment. A moment after which something does not hold is named, and the others go on, on a new
 * site. In the end a plain deploy works there. Nearly all moments have to have come, or nothing was proven.
 * @throws when something did not hold, or too much never came
 */
export async function sweep(
  passed: readonly { moment: string }[],
  { first, another, lanes = 2, varies = false }: Field,
  round: Round,
): Promise<void> {
  const queue = passed.map(({ moment }) => moment);
  const problems: string[] = [];
  const missed: string[] = [];
  const lane = async (own: Site | undefined): Promise<void> => {
    for (let moment = queue.shift(); moment !== undefined; moment = queue.shift()) {
      own ??= await another();
      try {
        if ((await round(own, moment)) === false) missed.push(moment);
      } catch (error) {
        problems.push(`${moment}: ${textOf(error)}`);
        own = undefined;
      }
    }
    if (own) await deployNext(own);
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number === 0 ? first : undefined)));
  requireNone(problems, passed.length);
  requireCome(missed, passed.length, varies);
}

/** The moments come from a run that may have been slow: one that takes its time asks systemd once or twice more. */
const onlyWhenSlow = { count: 2, moment: /^sent / };

/** Fails when so many of the moments never came that too little was proven. */
export function requireCome(missed: readonly string[], count: number, varies = false): void {
  const half = Math.min(count - 1, Math.max(1, count / 2));
  const isSlowAlone = missed.length <= onlyWhenSlow.count && missed.every((one) => onlyWhenSlow.moment.test(one));
  const isEnough = missed.length <= half && (varies || isSlowAlone);
  assert.ok(isEnough, `${missed.length} of ${count} never came: ${missed.join(', ')}`);
}

/** Does something with each, one after the other, and names all with which something does not hold. */
export async function collectProblems<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const problems: string[] = [];
  for (const one of all) await work(one).catch((error: unknown) => problems.push(`${nameOf(one)}: ${textOf(error)}`));
  requireNone(problems, all.length);
}

function requireNone(problems: readonly string[], count: number): void {
  assert.ok(count > 0, 'there are no moments');
  if (problems.length > 0) throw new Error(`${problems.length} of ${count} moments:\n${problems.join('\n')}`);
}

function textOf(error: unknown): string {
  const { message, details } = error as { message: string; details?: string };
  return details ? `${message}\n${stripVTControlCharacters(details)}` : message;
}
