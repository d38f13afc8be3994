import { leftFor } from './cause.ts';
import type { RunDocument } from './document.ts';
import type { Failure, Reason } from './failure.ts';
import type { RunInputs } from './inputs.ts';

/** What a run says of a build: it is good, or never to be picked by itself again, for a reason. */
export interface BuildVerdict {
  build: string;
  /** null: it is good */
  reason: Reason | null;
}

/** These say something about the build; the others about the machine, or about the person. */
const buildsFaults: readonly Reason[] = [
  'start',
  'exited',
  'restarting',
  'health',
  'identity',
  'memory',
  'cpu',
  'journal',
  'hook',
  'timeout',
];

/** Whether a failure is a reason never to pick the build by itself again. */
export function isBuildsFault({ step, reason }: Pick<Failure, 'step' | 'reason'>): boolean {
  return buildsFaults.includes(reason) && !['stop', 'free-port', 'backup'].includes(step);
}

/** What a run that was carried out says of its builds. */
export function verdictsOf(inputs: RunInputs, { outcome, failure }: RunDocument): BuildVerdict[] {
  const { kind, from, to } = inputs;
  // A restore says something about the data alone.
  if (kind === 'restore') return [];
  if (outcome === 'deployed') {
    const left = leftFor({ ...inputs, outcome });
    const good = { build: to, reason: null };
    return left && from !== null ? [good, { build: from, reason: left.reason }] : [good];
  }
  // What does not come up again was good once: the machine may be at fault, and a person decides.
  const isTried = (outcome === 'rolled_back' || outcome === 'failed') && kind !== 'recovery';
  return isTried && failure && isBuildsFault(failure) ? [{ build: to, reason: failure.reason }] : [];
}
