import { listBuildIds } from '../builds/list.ts';
import { recordAnyway } from '../run/engine.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Ledger } from '../run/ledger.ts';
import { provenBeside } from '../run/proven.ts';
import type { Step } from '../run/step.ts';
import type { RunTools } from './run-tools.ts';

/**
 * The inputs with a build to go back to that is there: the one that the run began with may have been removed since, and
 * then the last proven one takes its place. That is in the ledger before anything is taken back, so whoever goes on with
 * it goes back to the same.
 */
export async function withWayBack(
  inputs: RunInputs,
  { paths, emit, ledger }: Pick<RunTools, 'paths' | 'emit'> & { ledger: Ledger },
): Promise<RunInputs> {
  const { back, to, target } = inputs;
  if (back === null || back === to) return inputs;
  const ids = await listBuildIds(target.builds).catch(() => null);
  if (ids === null || ids.includes(back)) return inputs;
  const other = await provenBeside(paths, ids, [to]);
  const instead = other === null ? 'and no other proven build is' : `so ${other} takes its place`;
  emit({ type: 'note', message: `${back} is not in ${target.builds} any more, ${instead}` });
  if (other === null) return inputs;
  await recordAnyway(ledger, { type: 'way_back', to: other });
  return { ...inputs, back: other };
}

/** What is known to have begun: the names, and whether a power cut may have taken the last of them. */
export interface Begun {
  begun: ReadonlySet<string>;
  isPowerCut: boolean;
}

/**
 * The steps of a plan that a way back takes back: those that were begun; those that may have been, where the power was cut; and the
 * swap too where another build is gone back to than the one that the run began with, as in `--fix-forward`: nobody else would
 * point the link at it.
 */
export function stepsTakenBack(
  plan: readonly Step[],
  { begun, isPowerCut }: Begun,
  { from, back }: Pick<RunInputs, 'from' | 'back'>,
): Step[] {
  const isElsewhere = back !== null && back !== from;
  return plan.filter((step) => {
    const isUnknown = isPowerCut && (step.isUndoneAtBoot || step.isGoneAtBoot);
    return begun.has(step.name) || isUnknown || (isElsewhere && step.name === 'swap');
  });
}
