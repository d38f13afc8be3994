import { join } from 'node:path';
import { CutoverError, ExitCode, isCutoverError, messageOf } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { isThere } from '../base/files.ts';
import { currentBuild } from '../builds/current.ts';
import { currentPath } from '../builds/layout.ts';
import type { Ending } from '../run/document.ts';
import { recordAnyway, revertSteps } from '../run/engine.ts';
import { type Failure, NotRestored } from '../run/failure.ts';
import { isOneWay, type RunInputs } from '../run/inputs.ts';
import type { Ledger } from '../run/ledger.ts';
import type { Step, StepRecord } from '../run/step.ts';
import type { RunTools } from './run-tools.ts';
import { saveFreshEvidence, takeSnapshot } from './evidence.ts';
import { type GateLook, passGate } from './gate.ts';
import { isUnitsEnd, watchLife } from './life.ts';
import { strangerOr, unseen } from './ports.ts';
import { standInOf } from './stand-in.ts';
import { provenStarts, startProven } from './start.ts';

/** A run that cannot go on. */
export interface FailedRun {
  begun: Step[];
  records: StepRecord[];
  failure: Failure;
  transcript: GateLook[];
}

/**
 * Saves what explains the failure, takes the begun steps back, and lets the build before pass the same gate.
 * The gate has the last word: exit 4 only when the old build is seen healthy.
 * @throws `unfinished` when systemd could not be reached for that: the run stays in flight
 */
export async function goBack(
  inputs: RunInputs,
  failed: FailedRun,
  tools: Omit<RunTools, 'signal'> & { ledger: Ledger },
): Promise<Omit<Ending, 'downtime_ms' | 'checks'>> {
  const { ledger, emit, paths } = tools;
  const evidence = join(paths.evidence, inputs.run);
  const failure = { ...failed.failure, evidence };
  await recordAnyway(ledger, { type: 'failure', failure });
  emit({ type: 'going_back', from: inputs.from, to: inputs.back, isOneWay: isOneWay(inputs), failure });
  const explaining = explain(inputs, { ...failed, failure }, tools);
  await explaining.isSeen;
  const notTakenBack = await revertSteps(failed.begun, failed.records, tools);
  requireReached(inputs, notTakenBack);
  const proven = inputs.back === null ? noWayBack(inputs) : await proveBack(inputs, tools);
  const lines = await explaining.lines;
  if (lines) emit({ type: 'journal', lines });
  const known = { ...failure, evidence: lines ? evidence : null };
  const active = await currentBuild(inputs.target.builds).catch(() => null);
  const unproven = proven ?? notPointedBack(inputs, failed.begun, active);
  const unrestored = notTakenBack.find((error) => error instanceof NotRestored) ?? null;
  return { active, steps: failed.records, ...judged(inputs, known, { unproven, unrestored }) };
}

function noWayBack(inputs: RunInputs): string {
  const { from, kind } = inputs;
  if (!isOneWay(inputs)) return 'there was no proven build to go back to';
  const before = from === null ? 'no build served' : `${from} was not healthy`;
  return `${before} when the ${kind} began, so there was nothing to go back to`;
}

/** Where identity cannot be proven, a gate passes whatever the link names: a full disk may have kept it from being moved. */
function notPointedBack({ back, target }: RunInputs, begun: readonly Step[], active: string | null): string | null {
  const wasMoved = begun.some(({ name }) => name === 'swap');
  if (!wasMoved || active === null || active === back) return null;
  return `${currentPath(target.builds)} names ${active}, and could not be moved to ${back}`;
}

/** What a way back has come to, by what is wrong with it. */
interface WayBack {
  /** what is wrong with the build that was gone back to */
  unproven: string | null;
  /** why the data is not as it was */
  unrestored: NotRestored | null;
}

function judged(
  inputs: RunInputs,
  failure: Failure,
  { unproven, unrestored }: WayBack,
): Pick<Ending, 'outcome' | 'exit_code' | 'failure'> {
  const problem = unrestored === null ? unproven : onChangedData(inputs, { unproven, unrestored });
  if (problem === null) return { outcome: 'rolled_back', exit_code: ExitCode.rolledBack, failure };
  // The same stranger that ended the deploy is often what keeps the old build down.
  const message = problem.includes(failure.message) ? problem : `${failure.message}; ${problem}`;
  const left = unrestored === null ? {} : { unrestored: unrestored.file };
  return { outcome: 'failed', exit_code: ExitCode.failed, failure: { ...failure, message, ...left } };
}

/** A gate sees what answers, and not whether a build can live with data that a later one has changed: a person decides. */
function onChangedData(
  { back }: RunInputs,
  { unproven, unrestored }: { unproven: string | null; unrestored: NotRestored },
): string {
  const served = unproven === null ? `${back} serves again and passes its gate, but ` : `${unproven}; `;
  return `${served}${unrestored.message}`;
}

/**
 * Sees at once what going back destroys, and writes it down while that goes on. Without evidence, the way back goes on too.
 * @returns `isSeen`: the way back may begin; `lines`: what the failed build wrote last, null when nothing could be saved
 */
function explain(
  inputs: RunInputs,
  { failure, transcript }: FailedRun,
  { systemd, emit, redact }: Pick<RunTools, 'systemd' | 'emit' | 'redact'>,
): { isSeen: Promise<boolean>; lines: Promise<string[] | null> } {
  const { manager, target, startedAt, invocationBefore, to } = inputs;
  const unit = failure.step === 'stand-in' ? standInOf(target.unit, to) : target.unit;
  const about = { unit, manager, sinceMs: Date.parse(startedAt), invocationBefore, failure, transcript, redact };
  const request = { ...about, pidsNow: () => systemd.processes(unit) };
  const seeing = takeSnapshot(systemd, { unit, ports: target.ports });
  const saving = seeing.then((snapshot) => saveFreshEvidence(failure.evidence ?? '', snapshot, request));
  const lines = saving.catch((error: unknown) => {
    emit({ type: 'note', message: `the evidence could not be saved: ${messageOf(error)}` });
    return null;
  });
  const isSeen = seeing.then(
    () => true,
    () => false,
  );
  return { isSeen, lines };
}

/** Without systemd nothing is known of the service: that is no end of a run, and whoever settles goes on with it. */
export function requireReached({ target, run }: RunInputs, errors: readonly unknown[]): void {
  const lost = errors.find((error) => isCutoverError(error, 'bus_lost', 'systemd_unavailable'));
  if (!lost) return;
  throw new CutoverError('unfinished', `run ${run} is not ended yet: ${messageOf(lost)}`, {
    mend: `systemd goes on with it by itself as soon as it can be reached; or type: cutover settle ${target.name}`,
    cause: lost,
  });
}

/**
 * @returns what is wrong with the build that was gone back to, or null
 * @throws `unfinished`
 */
async function proveBack(inputs: RunInputs, { systemd, emit }: Omit<RunTools, 'signal'>): Promise<string | null> {
  const { target, manager, back, startedAt } = inputs;
  const buildPath = join(target.builds, back ?? '');
  if (!(await isThere(buildPath))) return `${back} is not in ${target.builds} any more`;
  // It may never have been stopped: what it wrote before this run is no news.
  const sinceMs = Date.parse(startedAt);
  const subject = { target, manager, buildPath, invocationBefore: null, memoryBefore: null, sinceMs };
  const { signal } = openController();
  for (let left = provenStarts - 1; ; left -= 1) {
    try {
      const life = await watchLife(systemd, target.unit, { isRunning: true });
      await passGate(subject, { systemd, emit, life, signal, transcript: [] }).finally(life.stop);
      return null;
    } catch (ended) {
      const error = await strangerOr(ended, systemd, target);
      requireReached(inputs, [error]);
      if (left === 0 || !isUnitsEnd(error)) return notBack(back, error);
      emit({ type: 'note', message: `${back} is started once more: ${messageOf(error)}` });
      // What is wrong with it, the gate tells.
      await startProven(systemd, target, { opened: unseen, signal }).catch((second: unknown) =>
        requireReached(inputs, [second]),
      );
    }
  }
}

/** Two builds of which one was good: then it is seldom the build. A person who reads this at night looks there first. */
function notBack(back: string | null, error: unknown): string {
  const fact = `${back} is not verified healthy: ${messageOf(error)}`;
  if (!isUnitsEnd(error)) return fact;
  return `${fact}. It was proven once, so the fault may lie in the unit, the machine or the data, and not in the new build`;
}
