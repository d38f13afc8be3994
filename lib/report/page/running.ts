import { type LedgerLine, recordOf, type StepState } from '../../run/ledger.ts';
import type { RunningStep, RunningStepState, ShownRun, ShownRunning } from './model.ts';

const shownStates: Record<StepState, RunningStepState> = {
  intended: 'now',
  applied: 'now',
  done: 'done',
  failed: 'failed',
  reverting: 'going_back',
  reverted: 'reverted',
  revert_failed: 'revert_failed',
};

/**
 * A run that has not ended, as its ledger tells it up to now; null when the ledger cannot be used, or has an outcome.
 * @param past the runs before it, newest first: they tell which steps lie ahead
 */
export function runningOf(
  lines: readonly LedgerLine[],
  { isAtWork, past }: { isAtWork: boolean; past: readonly ShownRun[] },
): ShownRunning | null {
  const record = recordOf(lines);
  if (!record || record.document) return null;
  const { inputs, failure } = record;
  const { run, kind, from, to, revision = null, branch = null, startedAt } = inputs;
  const stages = (inputs.stages ?? []).map(({ name, status, duration_ms }): RunningStep => {
    return { name, state: status === 'done' ? 'done' : 'failed', began_at: null, duration_ms };
  });
  const begun = [...stages, ...stepsOf(lines)];
  const ahead = isAtWork && failure === null ? stepsAhead(begun, kind, past) : [];
  const what = { run, kind, from, to, revision, branch, started_at: startedAt };
  return { ...what, state: isAtWork ? 'at_work' : 'cut_off', steps: [...begun, ...ahead], failure };
}

function stepsOf(lines: readonly LedgerLine[]): RunningStep[] {
  const steps = new Map<string, RunningStep>();
  for (const line of lines) {
    if (line.type !== 'step') continue;
    const { name, at } = line;
    const known = steps.get(name) ?? { name, began_at: at, duration_ms: null };
    const state = shownStates[line.state] ?? 'now';
    // One that failed stays so, whatever is taken back of it.
    const isFailed = 'state' in known && known.state === 'failed' && state === 'reverted';
    const began_at = state === 'going_back' ? at : (known.began_at ?? at);
    const isOver = state !== 'now' && state !== 'going_back';
    const duration_ms = isOver ? Math.max(0, Date.parse(at) - Date.parse(began_at)) : null;
    steps.set(name, { name, state: isFailed ? 'failed' : state, began_at, duration_ms });
  }
  return [...steps.values()];
}

/** Which steps are left is known from the last run of the kind that went well; a plan may have changed since. */
function stepsAhead(begun: readonly RunningStep[], kind: string, past: readonly ShownRun[]): RunningStep[] {
  const model = past.find((run) => run.kind === kind && run.outcome === 'deployed');
  const known = new Set(begun.map(({ name }) => name));
  const names = (model?.steps ?? []).map(({ name }) => name);
  // Hooks that made the build came before the begin: what was left out of them comes no more.
  const last = begun.at(-1)?.name;
  const from = last === undefined ? 0 : names.indexOf(last) + 1;
  if (last !== undefined && from === 0) return [];
  const left = names.slice(from).filter((name) => !known.has(name));
  return left.map((name) => ({ name, state: 'ahead', began_at: null, duration_ms: null }));
}
