import { ExitCode } from '../base/errors.ts';
import { clearTemporaryLinks } from '../builds/swap.ts';
import { currentBuild } from '../builds/current.ts';
import type { RunDocument } from '../run/document.ts';
import type { Failure } from '../run/failure.ts';
import { readRun } from '../run/history.ts';
import { clearInFlight, readInFlight } from '../run/in-flight.ts';
import { openLedger, type RunRecord } from '../run/ledger.ts';
import type { StepRecord } from '../run/step.ts';
import { commit } from './carry-out.ts';
import type { RunTools } from './run-tools.ts';
import { downtimeMeter } from './downtime.ts';
import { goBack } from './go-back.ts';
import { planOf } from './plans.ts';

/**
 * Ends the run that its process did not: the plan is built again from the ledger's first line, and what was begun is
 * taken back. May itself be cut off anywhere and begun again.
 * @returns the ended run's document, or null when there was nothing to end
 */
export async function settleRun(tools: Omit<RunTools, 'signal'>): Promise<RunDocument | null> {
  const mark = await readInFlight(tools.paths);
  if (!mark) return null;
  const record = await readRun(tools.paths, mark.run);
  // Without a first line no step can have begun; with an outcome only the mark is left.
  if (!record || record.document) {
    await clearInFlight(tools.paths);
    return record?.document ? { ...record.document, kind: 'settle' } : null;
  }
  tools.emit({ type: 'begin', inputs: record.inputs });
  tools.emit({ type: 'note', message: `run ${mark.run} was cut off and is ended now` });
  await clearTemporaryLinks(record.inputs.target.builds);
  return endRun(record, tools);
}

async function endRun(record: RunRecord, tools: Omit<RunTools, 'signal'>): Promise<RunDocument> {
  const { inputs } = record;
  const ledger = await openLedger(tools.paths, inputs.run);
  try {
    const meter = downtimeMeter(inputs.target.ports);
    meter.start();
    const ending = await endingOf(record, { ...tools, ledger, meter });
    const measured = { ...ending, downtime_ms: await meter.stop(), checks: [] };
    const document = await commit({ inputs, ledger, tools }, measured);
    // Ended as it should be: for who asked to settle, that is success.
    const exit_code = document.outcome === 'failed' ? ExitCode.failed : ExitCode.done;
    return { ...document, kind: 'settle', exit_code };
  } finally {
    await ledger.close();
  }
}

type SettleTools = Omit<RunTools, 'signal'> & {
  ledger: Awaited<ReturnType<typeof openLedger>>;
  meter: ReturnType<typeof downtimeMeter>;
};

async function endingOf({ inputs, steps, failure }: RunRecord, tools: SettleTools): ReturnType<typeof goBack> {
  const plan = planOf(inputs, { ...tools, transcript: [] });
  const begun = plan.filter(({ name }) => steps.has(name));
  const records = [...steps].map(([name, state]): StepRecord => {
    return { name, status: state === 'done' || state === 'applied' ? 'done' : 'failed', duration_ms: 0 };
  });
  const cutOff: Failure = failure ?? {
    step: [...steps.keys()].at(-1) ?? 'begin',
    reason: 'interrupted',
    message: `the process of run ${inputs.run} ended in the middle of it`,
    evidence: null,
  };
  if (begun.length > 0) return goBack(inputs, { begun, records, failure: cutOff, transcript: [] }, tools);
  const active = await currentBuild(inputs.target.builds);
  return { outcome: 'interrupted', exit_code: ExitCode.interrupted, active, steps: records, failure: cutOff };
}
