import { CutoverError, ExitCode, isCutoverError, messageOf } from '../base/errors.ts';
import { isOthersWord } from '../base/owner.ts';
import { openController } from '../base/wait.ts';
import { currentBuild } from '../builds/current.ts';
import { clearTemporaryLinks } from '../builds/swap.ts';
import { removeLeftWork } from '../database/work.ts';
import type { Ending, RunDocument } from '../run/document.ts';
import { applySteps } from '../run/engine.ts';
import { readRun } from '../run/history.ts';
import { endLeftHook } from '../run/hook-group.ts';
import { isOneWay, type RunInputs } from '../run/inputs.ts';
import { clearInFlight, isFromBefore, readInFlight } from '../run/in-flight.ts';
import { withSecrets } from '../run/kept-inputs.ts';
import { cutOffFailure, type Ledger, readLedger, type RunRecord, stepRecordsOf } from '../run/ledger.ts';
import { openAnyway, unfailing } from './anyway.ts';
import { commit, judgeBuild } from './carry-out.ts';
import { type DowntimeMeter, downtimeMeter } from './downtime.ts';
import { goBack, requireReached } from './go-back.ts';
import { endLeftProcesses } from '../run/left-processes.ts';
import { ledgerPath } from '../run/state.ts';
import { requirePermitted } from './permission.ts';
import { stepsTakenBack, withWayBack } from './way-back.ts';
import { holdersOf } from './ports.ts';
import { planOf } from './plans.ts';
import type { Systemd } from '../systemd/systemd.ts';
import type { RunTools } from './run-tools.ts';

/** What ends a run. */
export interface Settling extends Omit<RunTools, 'signal'> {
  /** the manager with the rights that a run of such inputs is ended with; none is given: `systemd` */
  systemdFor?: (inputs: RunInputs) => Systemd;
}

type SettleTools = Omit<RunTools, 'signal'> & { ledger: Ledger; meter: DowntimeMeter };
/** `isPowerCut`: the machine was booted since, so the last lines may be lost */
type CutOff = RunRecord & { isPowerCut: boolean };
type Found = Omit<Ending, 'downtime_ms' | 'checks'>;

/**
 * Ends the run that its process did not: the plan is built again from the ledger's first line, and what was begun is
 * taken back. May itself be cut off anywhere and begun again.
 * @returns the ended run's document, or null when there was nothing to end
 * @throws `bus_lost`, `systemd_unavailable`, `permission`: the run is still in flight
 */
export async function settleRun(settling: Settling): Promise<RunDocument | null> {
  const { paths, emit } = settling;
  const mark = await readInFlight(paths);
  if (!mark) return null;
  const record = await readRun(paths, mark.run);
  if (!record) return cleanUp(record, mark.run, settling);
  // Which files are written and removed to clean up, it says too.
  await requireOwnRecord(paths.directory, mark.run);
  if (record.document) return cleanUp(record, mark.run, settling);
  const tools = { ...settling, systemd: settling.systemdFor?.(record.inputs) ?? settling.systemd };
  // Refused in the middle of it, the run would be ended with the service down, and nobody would go on with it.
  if (record.steps.size > 0) await requirePermitted(record.inputs.target, record.inputs.manager, tools.systemd);
  emit({ type: 'begin', inputs: record.inputs, isResumed: true });
  emit({ type: 'note', message: `run ${mark.run} was cut off and is ended now` });
  const { inputs, missing } = await withSecrets(record.inputs);
  if (missing.length > 0) emit({ type: 'note', message: `not known any more: ${missing.join(', ')}` });
  await endHooksOf(record, tools);
  await clearTemporaryLinks(record.inputs.target.builds);
  return endRun({ ...record, inputs, isPowerCut: await isFromBefore(mark) }, tools).catch((error: unknown) => {
    throw isCutoverError(error, 'unfinished') ? error.cause : error;
  });
}

/** Without a first line no step can have begun; with an outcome only the cleaning-up is left. */
async function cleanUp(record: RunRecord | null, run: string, settling: Settling): Promise<RunDocument | null> {
  if (record?.document) {
    await judgeBuild(record.inputs, record.document, settling.paths).catch(() => {});
    await clearWork(record);
  } else await tellUnread(run, settling);
  await clearMark(run, settling);
  return record?.document ? asSettled(record.document) : null;
}

/** What a dead process had opened or copied may be as large as the database. That it is left keeps no run from its end. */
async function clearWork({ inputs: { app, target } }: RunRecord): Promise<void> {
  const { name, database } = target;
  if (database) await removeLeftWork({ app, target: name, database }).catch(() => {});
}

/** The run has ended: a mark that cannot be taken away, as from a read-only disk, keeps nobody from the next one. */
async function clearMark(run: string, { paths, emit }: Pick<RunTools, 'paths' | 'emit'>): Promise<void> {
  await clearInFlight(paths).catch((error: unknown) => {
    emit({ type: 'note', message: `run ${run} has ended, and its mark is left: ${messageOf(error)}` });
  });
}

/** Half a first line means that nothing was begun; a whole one that cannot be planned from, as of another version, does not. */
async function tellUnread(run: string, { paths, emit }: Pick<RunTools, 'paths' | 'emit'>): Promise<void> {
  const path = ledgerPath(paths, run);
  if (((await readLedger(path)) ?? []).length === 0) return;
  emit({ type: 'note', message: `run ${run} was cut off and is not taken back: its record cannot be used: ${path}` });
}

/** A ledger says which commands are run: root does not believe another user's. */
async function requireOwnRecord(directory: string, run: string): Promise<void> {
  if (!(await isOthersWord(directory))) return;
  throw new CutoverError('permission', `run ${run} was cut off, and its record in ${directory} is another user's`, {
    mend: 'cutover settle, which works as that user',
  });
}

/** A migration that goes on while it is taken back would do harm: what the dead process left is ended first. */
async function endHooksOf({ inputs }: RunRecord, { systemd, emit }: Pick<RunTools, 'systemd' | 'emit'>): Promise<void> {
  const { app, target, run } = inputs;
  if (Object.keys(target.hooks ?? {}).length === 0) return;
  const ended = (await endLeftHook({ systemd, app, target: target.name })) + (await endLeftProcesses(run));
  if (ended > 0) emit({ type: 'note', message: `${ended} processes of a hook that the dead run had left were ended` });
}

async function endRun(record: CutOff, tools: Omit<RunTools, 'signal'>): Promise<RunDocument> {
  const { inputs } = record;
  const ledger = await openAnyway(inputs.run, tools);
  const { unit, ports } = inputs.target;
  const meter = downtimeMeter(ports, () => holdersOf(tools.systemd, unit));
  try {
    meter.start();
    const found = await endingOf(record, { ...tools, ledger, meter });
    // Nobody measured from the death of the run's process, or the power cut, to here: only that nothing was begun is known.
    const downtime_ms = found.outcome === 'interrupted' ? 0 : null;
    // While the mark is there: whoever dies here is settled once more.
    await clearWork(record);
    const document = await commit({ inputs, ledger, tools }, { ...found, downtime_ms, checks: [] });
    return asSettled(document);
  } finally {
    await meter.stop();
    await ledger.close();
  }
}

/** Ended as it should be: for who asked to settle, that is success. */
function asSettled(document: RunDocument): RunDocument {
  const exit_code = document.outcome === 'failed' ? ExitCode.failed : ExitCode.done;
  return { ...document, kind: 'settle', exit_code };
}

async function endingOf(record: CutOff, tools: SettleTools): Promise<Found> {
  const { steps, isBooted, isPowerCut } = record;
  const inputs = await withWayBack(record.inputs, tools);
  const [records, failure] = [stepRecordsOf(record), cutOffFailure(record)];
  const plan = planOf(inputs, { ...tools, transcript: [] });
  const known = plan.filter(({ name }) => steps.has(name));
  if (steps.size === 0 || (known.length > 0 && known.every(({ isLook }) => isLook))) {
    const active = await currentBuild(inputs.target.builds);
    return { outcome: 'interrupted', exit_code: ExitCode.interrupted, active, steps: records, failure };
  }
  // A rollback away from a build that is broken has nowhere to go back to: what it was on the way to is the way out.
  if (isOneWay(inputs)) return goOn(record, tools);
  const taken = stepsTakenBack(plan, { begun: new Set(steps.keys()), isPowerCut }, inputs);
  const begun = taken.filter(({ name, isGoneAtBoot, isRevertedOnce }) => {
    return !(isBooted && isGoneAtBoot) && !(isRevertedOnce && steps.get(name) === 'reverted');
  });
  const ending = await goBack(inputs, { begun, records, failure, transcript: [] }, tools);
  return inputs.kind === 'restore' && record.applied.has('restore') ? asRestored(ending) : ending;
}

/** There is no way back from data that was put: a service that is well with it is what was asked for. */
function asRestored(ending: Found): Found {
  if (ending.outcome !== 'rolled_back') return ending;
  return { ...ending, outcome: 'deployed', exit_code: ExitCode.done, failure: null };
}

/** Every step may be applied again, so a run is finished by beginning it anew. */
async function goOn({ inputs }: RunRecord, tools: SettleTools): Promise<Found> {
  const plan = planOf(inputs, { ...tools, transcript: [] });
  const options = { ledger: unfailing(tools.ledger), emit: tools.emit, signal: openController().signal };
  const { records: steps, failure, error } = await applySteps(plan, options);
  if (!failure) return { outcome: 'deployed', exit_code: ExitCode.done, active: inputs.to, steps, failure };
  requireReached(inputs, [error]);
  const active = await currentBuild(inputs.target.builds).catch(() => null);
  return { outcome: 'failed', exit_code: ExitCode.failed, active, steps, failure };
}
