import { isCutoverError, messageOf } from '../../base/errors.ts';
import { openController } from '../../base/wait.ts';
import { listBuildIds } from '../../builds/list.ts';
import { inspectBuild } from '../../builds/inspect.ts';
import { originOf } from '../../builds/origin.ts';
import { carryOut } from '../../deploy/carry-out.ts';
import type { TargetRecovery } from '../../report/recovery-report.ts';
import type { RunDocument } from '../../run/document.ts';
import type { Cause } from '../../run/cause.ts';
import type { Reason } from '../../run/failure.ts';
import type { RunInputs } from '../../run/inputs.ts';
import { nextRunId } from '../../run/history.ts';
import { leaveHold } from '../../run/hold.ts';
import { provenBeside } from '../../run/proven.ts';
import { whileHeld } from '../held.ts';
import { type Place, placeInputs } from '../place.ts';
import { rollback } from '../rollback.ts';
import { type Look, look } from './look.ts';
import { addOutcome, listening, type Notes } from './notes.ts';

/** What one attempt at a target came to. */
export interface Attempt extends TargetRecovery {
  /** another attempt would find the same: there is nothing to start */
  isHopeless: boolean;
  /** the last run, which is to be told of; null: there was none */
  document: RunDocument | null;
}

export interface AttemptOptions {
  /** no other one follows: the build that does not come up makes room for the last proven one */
  isLast: boolean;
  /** the recovery that this is an attempt of; none: it is one by itself */
  recovery?: string | undefined;
  /** what began it, where no person did */
  cause?: Cause | undefined;
}

/** These say that the service never came up; one that is up and unwell may lack what it depends on. */
const neverUp: readonly Reason[] = ['start', 'exited', 'restarting'];

/**
 * Tries once to bring a service back. A healthy one is left alone; a run that was cut off is ended first.
 * @throws `bus_lost`, `systemd_unavailable`; the signal's reason when interrupted before anything began
 */
export async function attempt(place: Place, { isLast, recovery, cause }: AttemptOptions): Promise<Attempt> {
  const began = performance.now();
  const before = await look(place);
  const notes: Notes = { findings: [...before.findings], actions: [], next: before.next, document: null };
  const isHopeless = before.current === null || before.facts.loadState !== 'loaded';
  if (!before.glance.healthy && !isHopeless) await act(place, { before, notes, isLast, recovery, cause });
  // An interruption is told of with what it left.
  const unhurried = { ...place, signal: openController().signal };
  const after = notes.document || notes.actions.length > 0 ? (await look(unhurried)).glance : before.glance;
  const { document } = notes;
  const { name: target, unit } = place.target;
  return {
    target,
    unit,
    before: before.glance,
    after,
    findings: [...new Set(notes.findings)],
    actions: notes.actions,
    next: after.healthy ? null : (notes.next ?? `cutover logs ${target} --unit`),
    run: document?.run ?? null,
    duration_ms: Math.round(performance.now() - began),
    isHopeless,
    document,
  };
}

interface Part {
  notes: Notes;
  recovery: RunInputs['recovery'];
  cause: Cause | undefined;
}

async function act(
  place: Place,
  { before, notes, isLast, recovery, cause }: { before: Look; notes: Notes } & AttemptOptions,
): Promise<void> {
  const part: Part = { notes, recovery: recovery === undefined ? undefined : { id: recovery, isLast }, cause };
  try {
    const found = await bringBack(place, before, part);
    if (isLast && isWorthGoingBack(found, notes.document)) await goBackFrom(place, found.current, part);
  } catch (error) {
    // What keeps one service down must not keep the others waiting.
    if (!isCutoverError(error, 'locked', 'refused', 'permission', 'disk', 'no_build', 'config')) throw error;
    notes.findings.push(messageOf(error));
    notes.next = error.code === 'locked' ? `cutover status ${place.target.name}` : (error.mend ?? notes.next);
  }
}

/** Holds the target, ends what was cut off, and carries the recovery out where that is still needed. @returns what it found */
async function bringBack(configured: Place, before: Look, { notes, recovery, cause }: Part): Promise<Look> {
  return whileHeld(configured, { doing: 'recovery', waitMs: 0 }, async ({ place, settled, ended, guard }) => {
    const { target, paths } = place;
    if (settled) notes.actions.push(`ended run ${settled.run}, which had been cut off: ${settled.outcome}`);
    if (ended) notes.actions.push(ended.text);
    // Another build may serve now, or none at all in a directory of its own.
    const found = settled || ended ? await look(place) : before;
    const { current, glance, facts } = found;
    if (glance.healthy || current === null) return found;
    const startedAt = new Date().toISOString();
    const [run, origin] = await Promise.all([nextRunId(paths), originOf(target.builds, current)]);
    const what = { run, kind: 'recovery' as const, ...placeInputs(place), recovery, cause, ...origin };
    const which = { from: current, to: current, back: null };
    const known = { invocationBefore: facts.invocationId, memoryBefore: null, startedAt };
    await guard();
    notes.document = await carryOut({ ...what, ...which, ...known }, [], {
      ...place,
      emit: listening(place.emit, notes),
    });
    addOutcome(notes.document, notes, { wasUp: facts.activeState !== 'inactive' && facts.activeState !== 'failed' });
    return found;
  });
}

/** A stranger on the port, a full disk, a health that waits for a database: another build would cure none of them. */
function isWorthGoingBack({ isBuildBad }: Look, document: RunDocument | null): boolean {
  if (document?.outcome !== 'failed' || !document.failure) return false;
  const { step, reason } = document.failure;
  if (reason === 'port_taken' || reason === 'permission' || reason === 'disk') return false;
  return isBuildBad || neverUp.includes(reason) || (step === 'start' && reason === 'timeout');
}

async function goBackFrom(place: Place, current: string | null, { notes, recovery }: Part): Promise<void> {
  const { systemd, config, target, signal } = place;
  const build = signal.aborted ? null : await otherProven(place, current);
  if (build === null) return;
  // The scope of the run that failed would keep the next one from its own.
  await leaveHold({ systemd, app: config.app, target: target.name });
  place.emit({ type: 'outcome', document: notes.document as RunDocument });
  const cause = causeIn(notes.document);
  const document = await rollback(place, { build, waitMs: 0, recovery, cause });
  notes.document = document;
  if (document.outcome === 'deployed') {
    notes.actions.push(`went back to ${build}`);
    return;
  }
  notes.actions.push(`tried to go back to ${build}`);
  notes.findings.push(`${build} does not come up either: ${document.failure?.message ?? document.outcome}`);
  notes.next = document.active === current ? null : `cutover rollback ${target.name} ${current}`;
}

/** Why a build is left that does not come up. */
function causeIn(document: RunDocument | null): Cause | null {
  if (!document?.failure) return null;
  const { reason, message } = document.failure;
  return { by: 'recover', reason, message, since: document.started_at, evidence: null };
}

/** The last build that a gate of ours saw healthy before the one that does not come up. */
async function otherProven({ target, paths }: Place, current: string | null): Promise<string | null> {
  const build = await provenBeside(paths, await listBuildIds(target.builds), [current]);
  return build !== null && (await inspectBuild(target.builds, build)).broken === null ? build : null;
}
