import { openController } from '../base/wait.ts';
import { StepFailure } from '../run/failure.ts';
import { textOf, type UnitFacts } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { type ManagedUnit, notStarted } from './not-started.ts';

/** A unit under watch from its start on. */
export interface UnitLife {
  /** since when (performance.now()) */
  readonly beganMs: number;
  /** aborted, with the `StepFailure` that says why, at the signal that tells of the unit's end */
  readonly ended: AbortSignal;
  stop: () => void;
}

/** Another hand, or a shutdown, has systemd stop the unit: that says nothing about the build. */
export class StoppedByOthers extends StepFailure {
  constructor(unit: string) {
    super('systemd', `${unit} was stopped by another hand: not by this run, and not by itself`);
    this.name = 'StoppedByOthers';
  }
}

const deadStates = new Set([
  'dead',
  'failed',
  'auto-restart',
  'stop',
  'stop-watchdog',
  'stop-sigterm',
  'stop-sigkill',
  'final-sigterm',
  'final-sigkill',
]);

/**
 * Watches a unit that is about to start, or runs already. systemd's signals come in under 3 ms; polling would
 * miss a crash between two restarts.
 * @param isRunning the unit runs now, so an end needs no start before it
 * @param type its `Type=`, where that is known
 */
export async function watchLife(
  systemd: Systemd,
  unit: string,
  { isRunning, type: known }: { isRunning: boolean; type?: unknown },
): Promise<UnitLife> {
  const beganMs = performance.now();
  const ended = openController();
  const course = courseFrom(isRunning);
  const managed = { unit, manager: systemd.kind };
  const judge = (): void => {
    if (!isOver(course) || ended.signal.aborted) return;
    ended.abort(isStopped(course) ? new StoppedByOthers(unit) : deathOf(managed, course.latest));
  };
  const watching = systemd.watch(unit, (changed) => {
    follow(course, changed);
    judge();
  });
  // Asked with the watch: whoever starts the unit a turn later asks for that behind it, so that this is known by then.
  const asking = known === undefined ? systemd.property(unit, 'Service', 'Type') : Promise.resolve(known);
  const knowing = asking.then((type) => {
    course.isCommand = type === 'oneshot';
    judge();
  });
  const stop = await onceKnown(watching, knowing);
  return { beganMs, ended: ended.signal, stop };
}

/** A watch of which the rest cannot be known is given up. */
async function onceKnown(watching: Promise<() => void>, knowing: Promise<void>): Promise<() => void> {
  const [stop] = await Promise.all([watching, knowing]).catch((error: unknown) => {
    watching.then((end) => end()).catch(() => {});
    throw error;
  });
  return stop;
}

/** What the signals of a unit have told so far. */
interface Course {
  latest: Map<string, unknown>;
  /** `Type=oneshot`: its main process ends, and the unit may stay active (`RemainAfterExit=`); undefined: not known yet */
  isCommand?: boolean;
  hadProcess: boolean;
  hasLived: boolean;
  /** its main process has ended */
  isLost: boolean;
  isDead: boolean;
  startJob?: number;
  /** it has begun to start, and was not up since */
  isStarting: boolean;
}

function courseFrom(isRunning: boolean): Course {
  const begun = { hadProcess: isRunning, hasLived: isRunning, isStarting: false };
  return { latest: new Map(), ...begun, isLost: false, isDead: false };
}

/** A command's process ends when it has done its work: there the unit's state tells. Until the type is known, that waits. */
function isOver({ isDead, isLost, isCommand }: Course): boolean {
  return isDead || (isLost && isCommand === false);
}

/** The first signals of a start still tell of the state before it: only what has lived can end. */
function follow(course: Course, changed: ReadonlyMap<string, unknown>): void {
  const { latest } = course;
  for (const [name, value] of changed) latest.set(name, value);
  const state = latest.get('ActiveState');
  if (state === 'activating') course.startJob ??= jobOf(latest);
  if (state === 'activating' || state === 'active') course.isStarting = state === 'activating';
  const [pid, subState] = [changed.get('MainPID'), changed.get('SubState')];
  course.isLost ||= course.hadProcess && pid === 0;
  course.hadProcess ||= Number(pid ?? 0) > 0;
  if (subState === undefined) return;
  const isDead = deadStates.has(textOf(subState));
  course.isDead ||= course.hasLived && isDead;
  course.hasLived ||= !isDead;
}

/**
 * A program that ends by itself is gone when its unit stops; only a job stops a unit whose process still runs, or one that stays
 * active without any. A command for its end (`ExecStop=`) is run for what was up alone. A unit that is about to stop by what its
 * program told it (sd_notify(3), `STOPPING=1`) was up, and has no job but that of its start; one that was never up is stopped by
 * such a job where a restart by another hand has become one with it. Where it is not stopped and only its process has ended, as while
 * `ExecStartPost=` is at work, no hand was in it.
 */
function isStopped({ latest, startJob, isCommand, isStarting, isDead }: Course): boolean {
  if (isCommand && !isStarting) return true;
  const isRunning = ['MainPID', 'ControlPID'].some((name) => Number(latest.get(name) ?? 0) > 0);
  const job = jobOf(latest);
  const wasUp = !isStarting || latest.get('SubState') === 'stop';
  const isOthersJob = job !== 0 && (job !== startJob || (isDead && !wasUp));
  return isRunning && isOthersJob && textOf(latest.get('Result')) === 'success';
}

/** The number of the job that is under way for a unit, as `org.freedesktop.systemd1.Unit` has it; 0: there is none. */
function jobOf(latest: ReadonlyMap<string, unknown>): number {
  const job = latest.get('Job');
  return Array.isArray(job) ? Number(job[0]) : 0;
}

/** Whether what went wrong is that the unit ended, by itself or by another hand. */
export function isUnitsEnd(error: unknown): boolean {
  if (error instanceof StoppedByOthers) return true;
  return error instanceof StepFailure && ['exited', 'restarting', 'start'].includes(error.reason);
}

/** Why a start failed, in the words of its own signals: facts may be of the next start already, as with `Restart=`. */
export function asSignalled(error: unknown, { ended }: UnitLife): unknown {
  const isFromFacts = error instanceof StepFailure && !(error instanceof StoppedByOthers);
  return isFromFacts && ended.aborted ? ended.reason : error;
}

/** The failure that the facts of a unit that is down describe. */
export function deathFrom(facts: UnitFacts): StepFailure {
  return deathOf(
    facts,
    new Map<string, unknown>([
      ['Result', facts.result],
      ['ExecMainCode', facts.execMainCode],
      ['ExecMainStatus', facts.execMainStatus],
    ]),
  );
}

/** ExecMainCode is CLD_EXITED (1), CLD_KILLED (2) or CLD_DUMPED (3), as waitid(2) has it. */
function deathOf({ unit, manager }: ManagedUnit, properties: Map<string, unknown>): StepFailure {
  const [code, status] = [Number(properties.get('ExecMainCode') ?? 0), Number(properties.get('ExecMainStatus') ?? 0)];
  const result = textOf(properties.get('Result'));
  if (result === 'exec-condition') return notStarted({ unit, manager }, 'its ExecCondition= is not met');
  if (result === 'oom-kill') return new StepFailure('memory', `${unit} was killed because it ran out of memory`);
  if (result === 'start-limit-hit') return new StepFailure('start', `${unit} hit its start limit`);
  if (result === 'timeout')
    return new StepFailure('timeout', `${unit} did not get ready within its own TimeoutStartSec=`);
  // systemd.exec(5), "Process Exit Codes": 200 and up come from systemd, before the program ran.
  if (code === 1 && status >= 200 && status <= 245) {
    return new StepFailure(
      'start',
      `${unit} could not be started: ${execFailures[status] ?? 'systemd could not run the program'} (status ${status})`,
    );
  }
  if (code === 1) return new StepFailure('exited', `${unit} exited with status ${status}`);
  if (code > 1) return new StepFailure('exited', `${unit} was ended by signal ${status}`);
  return new StepFailure('exited', `${unit} stopped running${result && result !== 'success' ? ` (${result})` : ''}`);
}

const execFailures: Record<number, string> = {
  200: 'its WorkingDirectory= cannot be entered',
  203: 'its ExecStart= cannot be run',
  209: 'its standard output cannot be set up',
  217: 'its User= does not exist',
  226: 'its namespaces cannot be set up',
};
