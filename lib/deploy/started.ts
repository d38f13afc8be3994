import { StepFailure } from '../run/failure.ts';
import { amount, invocationIdOf, isUp, type Standing, textOf } from '../systemd/facts.ts';
import type { JobResult } from '../systemd/jobs.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { deathFrom, StoppedByOthers } from './life.ts';
import { notStarted } from './not-started.ts';

/** What tells whether a start went well. */
export interface StartFacts extends Standing {
  invocationId: string;
}

/** Ends of a start job before anything was run (`JobRemoved` in org.freedesktop.systemd1(5)). */
const neverRun: readonly JobResult[] = [
  'dependency',
  'assert',
  'skipped',
  'invalid',
  'unsupported',
  'collected',
  'once',
];

/** What a unit does not start without (systemd.unit(5)). */
const needs = ['Requires', 'Requisite', 'BindsTo'] as const;

/**
 * A job's result is not health: the unit's own state is what counts.
 * @param result of the job that started it
 * @throws `StepFailure` when the unit is not up
 */
export async function requireStarted(systemd: Systemd, unit: string, result: JobResult): Promise<StartFacts> {
  const began = await factsOfStart(systemd, unit);
  if (!isUp(began)) throw await whyDown(systemd, unit, result);
  if (result !== 'done') throw new StepFailure('start', `the start job of ${unit} ended as ${result}`);
  return began;
}

/** Where nothing was run, what systemd knows of the main process is of the one before, and no build is at fault. */
async function whyDown(systemd: Systemd, unit: string, result: JobResult): Promise<StepFailure> {
  const managed = { unit, manager: systemd.kind };
  if (result === 'canceled') return new StoppedByOthers(unit);
  if (result === 'dependency') return notStarted(managed, await whatLacks(systemd, unit));
  if (neverRun.includes(result)) return notStarted(managed, `its start job ended as ${result}`);
  // A condition that is not met ends the job as `done`.
  if (await isConditionUnmet(systemd, unit)) return notStarted(managed, 'a Condition…= of it is not met');
  return deathFrom(await systemd.facts(unit));
}

/** What is down may be unloaded at once, and the question loads it anew: then no condition was tried yet, as where there is none. */
async function isConditionUnmet(systemd: Systemd, unit: string): Promise<boolean> {
  const names = ['ConditionResult', 'Conditions'] as const;
  const [isMet, conditions] = await Promise.all(names.map((name) => systemd.property(unit, 'Unit', name)));
  return isMet === false && (conditions as unknown[]).length > 0;
}

async function whatLacks(systemd: Systemd, unit: string): Promise<string> {
  const lists = await Promise.all(needs.map((name) => systemd.property(unit, 'Unit', name)));
  const names = [...new Set(lists.flat().map(textOf))];
  const states = await Promise.all(
    names.map((name) => systemd.property(name, 'Unit', 'ActiveState').catch(() => null)),
  );
  const down = names.filter((_, at) => states[at] === 'failed' || states[at] === 'inactive');
  if (down.length === 0) return 'a unit that it needs did not start';
  return `${down.join(', ')}, which it needs, ${down.length === 1 ? 'does' : 'do'} not run`;
}

/** Five properties instead of all three hundred: the service that loads just now needs the processor itself. */
async function factsOfStart(systemd: Systemd, unit: string): Promise<StartFacts> {
  const [activeState, subState, invocation, mainPid, type] = await Promise.all([
    systemd.property(unit, 'Unit', 'ActiveState'),
    systemd.property(unit, 'Unit', 'SubState'),
    systemd.property(unit, 'Unit', 'InvocationID'),
    systemd.property(unit, 'Service', 'MainPID'),
    systemd.property(unit, 'Service', 'Type'),
  ]);
  return { activeState, subState, mainPid: amount(mainPid) ?? 0, type, invocationId: invocationIdOf(invocation) };
}
