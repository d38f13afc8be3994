import { CutoverError } from '../base/errors.ts';
import { shellWord } from '../base/shell-words.ts';
import { makingLink, readCurrent } from '../builds/current.ts';
import { whyNotWritable } from '../checks/builds.ts';
import { type Answer, fail } from '../checks/check.ts';
import { askPort } from '../checks/port.ts';
import { askUnit } from '../checks/unit.ts';
import type { TargetConfig } from '../config/model.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import { portHolders } from '../systemd/processes.ts';
import type { Place } from './place.ts';

/**
 * What would end a rollback after the service was stopped, whatever the build: a link that cannot be moved, a unit that
 * cannot be started, a stranger on the port. All else may be mended by the rollback itself, so it does not stop one.
 * @throws `refused`: nothing was changed
 */
export async function requireWayClear(
  { target }: Pick<Place, 'target'>,
  { facts, serving }: { facts: UnitFacts; serving: string | null },
): Promise<void> {
  const { name, unit, builds } = target;
  const loaded = askUnit(facts, { isFirst: true });
  const found = [
    loaded.status === 'fail' ? { ...loaded, observed: `${unit}: ${loaded.observed}` } : null,
    await askSwap(builds, serving),
    await askStranger(target, facts),
  ].find((answer) => answer !== null);
  if (!found) return;
  throw new CutoverError('refused', `${name} was not touched: ${found.observed}`, {
    mend: `${found.mend}, then cutover rollback ${name}`,
  });
}

/** Wherever a link leads, it can be moved; what is no link, or may not be written, a swap finds after the stop. */
async function askSwap(builds: string, serving: string | null): Promise<Answer | null> {
  const expected = 'a builds directory in which current, a link, can be moved';
  const unwritable = await whyNotWritable(builds);
  if (unwritable !== null)
    return fail(unwritable, expected, `ls -ld ${shellWord(builds)}; findmnt -T ${shellWord(builds)}`);
  const link = await readCurrent(builds);
  if (link.state !== 'not_a_link') return null;
  return fail(`current is a ${link.kind}`, expected, makingLink(builds, link, serving));
}

/** One that cannot be seen may be the unit's own: then the port is looked at when the unit has stopped. */
async function askStranger({ strategy, ports, unit }: TargetConfig, facts: UnitFacts): Promise<Answer | null> {
  if (strategy !== 'restart') return null;
  const holders = (await Promise.all(ports.map((port) => portHolders(port)))).flat();
  const isStranger = holders.some(
    ({ processes }) => processes.length > 0 && processes.every((process) => process.unit !== unit),
  );
  const answer = isStranger ? await askPort(ports, facts) : null;
  return answer?.status === 'fail' ? answer : null;
}
