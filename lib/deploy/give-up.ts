import { join } from 'node:path';
import { ExitCode, messageOf } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import type { Ending } from '../run/document.ts';
import { recordAnyway } from '../run/engine.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Ledger } from '../run/ledger.ts';
import { saveFreshEvidence, takeSnapshot } from './evidence.ts';
import { type FailedRun, requireReached } from './go-back.ts';
import type { RunTools } from './run-tools.ts';

/**
 * The end of a recovery that did not bring the service back: saves what explains it, and leaves all as it is.
 * @throws `unfinished` when systemd could not be reached: the run stays in flight
 */
export async function giveUp(
  inputs: RunInputs,
  { failure: found, records: steps, transcript }: FailedRun,
  tools: Omit<RunTools, 'signal'> & { ledger: Ledger },
): Promise<Omit<Ending, 'downtime_ms' | 'checks'>> {
  const { systemd, ledger, emit, paths, redact } = tools;
  const { manager, target, startedAt, invocationBefore, run } = inputs;
  const evidence = join(paths.evidence, run);
  const failure = { ...found, evidence };
  await recordAnyway(ledger, { type: 'failure', failure });
  const request = { unit: target.unit, manager, sinceMs: Date.parse(startedAt), invocationBefore, failure, transcript };
  const lines = await takeSnapshot(systemd, target)
    .then((snapshot) => saveFreshEvidence(evidence, snapshot, { ...request, redact }))
    .catch((error: unknown) => {
      requireReached(inputs, [error]);
      emit({ type: 'note', message: `the evidence could not be saved: ${messageOf(error)}` });
      return null;
    });
  if (lines) emit({ type: 'journal', lines });
  const active = await currentBuild(target.builds).catch(() => null);
  const known = { ...failure, evidence: lines ? evidence : null };
  return { outcome: 'failed', exit_code: ExitCode.failed, active, steps, failure: known };
}
