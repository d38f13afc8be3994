import { join } from 'node:path';
import { directConfig } from '../../lib/config/direct.ts';
import type { TargetConfig } from '../../lib/config/model.ts';
import { documentOf, type Ending, exitCodeOfOutcome, type RunDocument } from '../../lib/run/document.ts';
import type { Failure } from '../../lib/run/failure.ts';
import { stageInFlight } from '../../lib/run/in-flight.ts';
import type { RunInputs } from '../../lib/run/inputs.ts';
import { type Ledger, openLedger } from '../../lib/run/ledger.ts';
import { type StatePaths, statePathsIn } from '../../lib/run/state.ts';
import { makeDirectory } from '../builds/directory.ts';
import type { TestContext } from '../suite.ts';

export const older = 'dist.20260203-123600';
export const newer = 'dist.20260203-151116';
export const newest = 'dist.20260204-080000';

const config = directConfig({ unit: 'shop.service', builds: '/srv/shop/builds', ports: [9000], manager: 'system' });
const target = config.targets.shop as TargetConfig;

/** The state of a target that goes with the test; nothing is in it yet. */
export async function makeState(t: TestContext): Promise<StatePaths> {
  return statePathsIn(join(await makeDirectory(t), 'shop/production'));
}

/** What a run begins with. */
export function inputsOf(run: string, changed: Partial<RunInputs> = {}): RunInputs {
  return {
    run,
    kind: 'deploy',
    app: 'shop',
    manager: 'system',
    logs: '/var/log/cutover/shop',
    target,
    from: older,
    to: newer,
    back: older,
    invocationBefore: 'ab'.repeat(16),
    memoryBefore: null,
    startedAt: '2026-02-03T15:11:20.000Z',
    ...changed,
  };
}

export const gateFailure: Failure = { step: 'gate', reason: 'health', message: 'answered 500', evidence: null };

/** What a run ended with; it took 812 ms. */
export function documentWith(
  changed: Partial<RunDocument> = {},
  inputs = inputsOf('20260203-151120-4f2a'),
): RunDocument {
  const outcome = changed.outcome ?? 'deployed';
  const ending: Ending = {
    outcome,
    exit_code: exitCodeOfOutcome[outcome],
    active: newer,
    downtime_ms: 301,
    longest_wait_ms: null,
    steps: [],
    checks: [],
    failure: null,
  };
  return { ...documentOf(inputs, ending, Date.parse(inputs.startedAt) + 812), ...changed };
}

/** Leaves the ledger of a run that ended. */
export async function leaveRun(paths: StatePaths, run: string, changed: Partial<RunDocument> | null): Promise<void> {
  const ledger = await openLedger(paths, run);
  const { from, to, kind } = changed ?? {};
  const inputs = inputsOf(run, {
    ...(from === undefined ? {} : { from }),
    ...(to ? { to } : {}),
    ...(kind && { kind }),
  });
  await ledger.write({ type: 'begin', inputs });
  if (changed) await ledger.write({ type: 'outcome', document: documentWith(changed, inputs) });
  await ledger.close();
}

/** Marks a run as this process's, and as not ended. */
export async function markInFlight(paths: StatePaths, run: string): Promise<void> {
  await (await stageInFlight(paths, run)).commit();
}

/** The ledger of one run, closed with the test. */
export async function openTestLedger(t: TestContext, paths: StatePaths, run = '20260203-151120-4f2a'): Promise<Ledger> {
  const ledger = await openLedger(paths, run);
  t.cleanup(() => ledger.close());
  return ledger;
}
