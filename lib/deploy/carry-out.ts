import { ExitCode, messageOf } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import type { CheckAnswer } from '../checks/check.ts';
import { verdictsOf } from '../run/build-verdicts.ts';
import { documentOf, type Ending, exitCodeOfOutcome, type RunDocument } from '../run/document.ts';
import { applySteps, recordAnyway } from '../run/engine.ts';
import type { Emit } from '../run/events.ts';
import { clearInFlight } from '../run/in-flight.ts';
import { isOneWay, type RunInputs } from '../run/inputs.ts';
import { type Ledger, openLedger } from '../run/ledger.ts';
import type { Reason } from '../run/failure.ts';
import { quarantine, type QuarantineEntry, release } from '../run/quarantine.ts';
import type { StatePaths } from '../run/state.ts';
import { beginAnyway, beginRun, openAnyway, unfailing } from './anyway.ts';
import { closedSince } from './closed-since.ts';
import { type DowntimeMeter, downtimeMeter } from './downtime.ts';
import type { GateLook } from './gate.ts';
import { giveUp } from './give-up.ts';
import { goBack, requireReached } from './go-back.ts';
import { requirePermitted } from './permission.ts';
import { holdersOf } from './ports.ts';
import { planOf } from './plans.ts';
import type { RunTools } from './run-tools.ts';
import { startableWaitMeter } from './waits.ts';
import { stepsTakenBack, withWayBack } from './way-back.ts';

interface MeasuredTools extends RunTools {
  ledger: Ledger;
  meter: DowntimeMeter;
  /** what the configured checks say on the way */
  answers: CheckAnswer[];
}

/**
 * Carries a run out: every step against the ledger, and back again when one fails.
 * @param checks what preflight found, for the document
 * @returns the run's document; a failure is an outcome, not an error
 * @throws `disk`, `permission` when the ledger cannot be begun: nothing was changed then. A rollback goes on without one
 */
export async function carryOut(inputs: RunInputs, checks: CheckAnswer[], tools: RunTools): Promise<RunDocument> {
  const { paths, emit } = tools;
  await requirePermitted(inputs.target, inputs.manager, tools.systemd);
  const meter = meterOf(inputs, tools);
  const isEmergency = inputs.kind === 'rollback';
  const ledger = await (isEmergency ? openAnyway(inputs.run, tools) : openLedger(paths, inputs.run, tools.redact));
  try {
    if (isEmergency) await beginAnyway(inputs, ledger, tools);
    else await beginRun(inputs, ledger, paths);
    emit({ type: 'begin', inputs });
    const answers: CheckAnswer[] = [];
    const written = isEmergency ? unfailing(ledger) : ledger;
    const ending = await applyMeasured(inputs, { ...tools, ledger: written, answers, meter });
    return await commit({ inputs, ledger, tools }, { ...ending, checks: [...checks, ...answers] });
  } finally {
    await ledger.close();
  }
}

/** Who has the ports is found out while the ledger is begun. */
function meterOf(inputs: RunInputs, tools: RunTools): DowntimeMeter {
  const { unit, ports } = inputs.target;
  const since = closedSince(inputs, tools).catch(() => null);
  const meter = downtimeMeter(ports, () => holdersOf(tools.systemd, unit), since);
  meter.prepare();
  return meter;
}

/** Carries the plan out, and measures meanwhile how long nobody accepted on the ports and how long somebody waited. */
async function applyMeasured(inputs: RunInputs, tools: MeasuredTools): Promise<Omit<Ending, 'checks'>> {
  const { emit, meter } = tools;
  const { strategy, health } = inputs.target;
  // On a first deploy nobody waited for anything yet, and who asks would have the socket start the unit without a build.
  const isMeasured = strategy !== 'restart' && inputs.from !== null;
  const waits = isMeasured ? startableWaitMeter(health) : null;
  // A backup may take an hour, and the service feels nothing of it: nobody need ask it all the time.
  const heard: Emit = (event) => {
    if (event.type === 'step' && event.name !== 'backup') waits?.start();
    emit(event);
  };
  const stopMeters = async (): Promise<(number | null | undefined)[]> => Promise.all([meter.stop(), waits?.stop()]);
  try {
    const ending = await applyAndJudge(inputs, { ...tools, emit: heard });
    const [downtime_ms = null, longest_wait_ms = null] = await stopMeters();
    return { ...ending, downtime_ms, longest_wait_ms };
  } finally {
    await stopMeters();
  }
}

async function applyAndJudge(inputs: RunInputs, tools: MeasuredTools): Promise<Omit<Ending, 'downtime_ms' | 'checks'>> {
  const transcript: GateLook[] = [];
  const plan = planOf(inputs, { ...tools, transcript });
  const { signal, end } = isOneWay(inputs) ? undisturbed(inputs, tools) : { signal: tools.signal, end: () => {} };
  const { begun, records: steps, failure, error } = await applySteps(plan, { ...tools, signal }).finally(end);
  if (!failure) return { outcome: 'deployed', exit_code: 0, active: inputs.to, steps, failure };
  // systemd refuses a whole job or none: a first step that was not permitted did nothing.
  const changing = begun.filter(({ isLook }) => !isLook);
  const isRefused = failure.reason === 'permission' && changing.every((step) => step === begun.at(-1));
  if (changing.length === 0 || isRefused) {
    const outcome = failure.reason === 'interrupted' ? 'interrupted' : 'refused';
    const exit_code = isRefused ? ExitCode.permission : exitCodeOfOutcome[outcome];
    return { outcome, exit_code, active: inputs.from, steps, failure };
  }
  // Whoever settles goes on with it, and takes nothing back either.
  if (isOneWay(inputs)) requireReached(inputs, [error]);
  if (inputs.kind === 'recovery') return giveUp(inputs, { begun, records: steps, failure, transcript }, tools);
  const way = await withWayBack(inputs, tools);
  const known = { begun: new Set(begun.map(({ name }) => name)), isPowerCut: false };
  const whole = way === inputs ? plan : planOf(way, { ...tools, transcript });
  const taken = stepsTakenBack(whole, known, way);
  return goBack(way, { begun: taken, records: steps, failure, transcript }, tools);
}

/** An interruption in the middle of a run that cannot be taken back would leave the service down. @returns `end`: nothing more is said of one */
function undisturbed(
  { kind }: RunInputs,
  { signal, emit }: Pick<RunTools, 'signal' | 'emit'>,
): { signal: AbortSignal; end: () => void } {
  const why = kind === 'recovery' ? 'the service is not left down' : 'there is no build to go back to';
  const tell = (): void => emit({ type: 'note', message: `interrupted, and goes on: ${why}` });
  signal.addEventListener('abort', tell, { once: true });
  // What was a deadline's or a person's signal is aborted after the run, too, and that interrupts nothing.
  const end = (): void => signal.removeEventListener('abort', tell);
  return { signal: signal.aborted ? signal : openController().signal, end };
}

/** Writes the outcome, then takes the mark away: in this order a death between the two is only a clean-up. */
export async function commit(
  { inputs, ledger, tools }: { inputs: RunInputs; ledger: Ledger; tools: Pick<RunTools, 'paths' | 'emit'> },
  ending: Ending,
): Promise<RunDocument> {
  const document = documentOf(inputs, ending);
  const { paths, emit } = tools;
  const isWritten = await recordAnyway(ledger, { type: 'outcome', document });
  if (!isWritten) emit({ type: 'note', message: `the outcome could not be written to ${ledger.path}` });
  await judgeBuild(inputs, document, paths).catch(() => {
    emit({ type: 'note', message: `the quarantine could not be written to ${paths.quarantine}` });
  });
  await clearInFlight(paths).catch((error: unknown) => {
    const what = isWritten ? 'cleans up' : 'takes the run for cut off';
    emit({ type: 'note', message: `the next command ${what}: ${messageOf(error)}` });
  });
  return document;
}

/** Writes down what the outcome says of the builds. */
export async function judgeBuild(inputs: RunInputs, document: RunDocument, paths: StatePaths): Promise<void> {
  for (const { build, reason } of verdictsOf(inputs, document)) {
    if (reason === null) await release(paths, build);
    else await quarantine(paths, build, entryOf(inputs.run, reason));
  }
}

function entryOf(run: string, reason: Reason): QuarantineEntry {
  return { run, reason, since: new Date().toISOString() };
}
