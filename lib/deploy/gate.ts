import { rejectionOf, sleep, untilAllIsRead } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import type { Emit } from '../run/events.ts';
import { StepFailure } from '../run/failure.ts';
import type { UnitVitals } from '../systemd/facts.ts';
import type { ReadyQuestion } from '../systemd/ready-question.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { isEachPortAsked, type Look, lookOnce, type LookSubject, type LookTools } from './gate-look.ts';
import { proveIdentity } from './identity.ts';
import type { UnitLife } from './life.ts';
import { judgeCpu } from './limits.ts';
import type { PortOwners } from './ports.ts';
import { requireSteady } from './steady.ts';
import { tooShortForCpu, unmeasured, unseenJournal, unseenProcess } from './unjudged.ts';

/** What is to be proven, and what it is measured by. */
export interface GateSubject extends LookSubject {
  buildPath: string;
  invocationBefore: string | null;
}

export interface GateTools {
  systemd: Systemd;
  emit: Emit;
  life: UnitLife;
  signal: AbortSignal;
  /** every look is added here, for the evidence */
  transcript: GateLook[];
  /** the first look, where it was begun before */
  first?: BegunLook | null | undefined;
  /** what was begun for that look to read the journal */
  journal?: ReadyQuestion | null | undefined;
}

/** A look that goes on while somebody does something else. */
export interface BegunLook {
  look: Promise<Look>;
}

/** One look at the service. `problem` null: all is well. */
export interface GateLook {
  at: string;
  number: number;
  observed: string;
  problem: string | null;
}

/** While nobody accepts yet, ask again this often: it is the wait for a start, not a failure. */
const refusedRetryMs = 20;
/** A main process that only waits for its child to listen leaves right then, and systemd ends the child with it. */
const forkAwayMs = 250;

/**
 * Decides whether the build is good: asks until it was healthy often enough and long enough, or its attempts are
 * used up. No answer is a no. A signal of the unit's end, a stranger on the port, a broken limit end it at once.
 * @throws `StepFailure` with the reason
 */
export async function passGate(subject: GateSubject, tools: GateTools): Promise<void> {
  const signal = AbortSignal.any([tools.signal, tools.life.ended]);
  await Promise.race([askUntilGood(subject, { ...tools, signal }), rejectionOf(signal)]);
  // A signal of the unit's end may have come while this process was busy with what it was told.
  await untilAllIsRead();
  signal.throwIfAborted();
}

/**
 * Begins the gate's first look for who has just seen the ports open, while it is found out who has them: who answers and who is found
 * there are the same, unless a port changes hands within these milliseconds.
 * @returns null where that would be too early to tell
 */
export function beginGate(
  subject: GateSubject,
  tools: Pick<GateTools, 'systemd' | 'life' | 'signal' | 'journal'>,
  owners: Promise<PortOwners>,
): BegunLook | null {
  if (!isEachPortAsked(subject.target)) return null;
  const signal = AbortSignal.any([tools.signal, tools.life.ended]);
  const look = firstLook(subject, { systemd: tools.systemd, journal: tools.journal, signal, owners });
  // Where the start fails, nobody asks for it.
  look.catch(() => {});
  return { look };
}

/** The first look proves the identity as well. */
function firstLook(subject: GateSubject, tools: LookTools): Promise<Look> {
  const prove = (vitals: UnitVitals): Promise<void> => proveIdentity(vitals, subject, tools.signal);
  return lookOnce(subject, { ...tools, prove: subject.target.health.identity ? prove : undefined });
}

async function askUntilGood(subject: GateSubject, tools: GateTools): Promise<void> {
  const { health, limits } = subject.target;
  const tally: Tally = { used: 0, inRow: 0, goodSince: null };
  let first: Look | undefined;
  for (;;) {
    const isFirst = first === undefined;
    const looking = isFirst ? (tools.first?.look ?? firstLook(subject, tools)) : lookOnce(subject, tools);
    const look = await looking.catch((error: unknown) => throwTold(error, tools, tally.used + 1));
    const now = performance.now();
    first ??= look;
    const began = first.atMs;
    await requireSteady(look.vitals, first.vitals.restarts, tools.signal);
    if (isFirst) await tellUnjudged(look, subject, tools);
    const tooBusy = judgeCpu(look.vitals, limits, { atMs: began, cpuNs: first.vitals.cpuNs }, now);
    if (tooBusy) throw tooBusy;
    report(tools, { look, number: tally.used + 1, of: health.attempts });
    const isGood = look.problem === null;
    const pauseMs = isGood ? countGood(tally, look, health, now) : countBad(tally, look, subject.target, now - began);
    if (pauseMs === null) return note(tools, tooShortForCpu(limits, now - began));
    await sleep(pauseMs, tools.signal);
  }
}

/** What the answers came to so far. */
interface Tally {
  /** attempts that are gone */
  used: number;
  /** good answers since the last bad one */
  inRow: number;
  goodSince: number | null;
}

/**
 * Counts a good answer. They come `interval` apart; the watch at the end does not run over its time.
 * @returns how long to wait for the next; null: it was good often enough and long enough
 */
function countGood(
  tally: Tally,
  { isServedByChild }: Look,
  health: TargetConfig['health'],
  now: number,
): number | null {
  tally.inRow += 1;
  tally.goodSince ??= now;
  const watchMs = Math.max(health.healthyForMs, isServedByChild ? forkAwayMs : 0);
  const leftMs = watchMs - (now - tally.goodSince);
  if (leftMs <= 0) return tally.inRow >= health.successes ? null : health.intervalMs;
  return Math.min(health.intervalMs, leftMs);
}

/**
 * Counts an answer that was none or a bad one; one that may still come uses no attempt up.
 * @returns how long to wait for the next @throws `StepFailure` when there is no attempt left
 */
function countBad(
  tally: Tally,
  { problem, isNotThereYet }: Look,
  { unit, health, startTimeoutMs }: TargetConfig,
  sinceMs: number,
): number {
  [tally.inRow, tally.goodSince] = [0, null];
  const isComing = isNotThereYet && sinceMs < startTimeoutMs;
  if (!isComing) tally.used += 1;
  if (tally.used >= health.attempts) {
    throw new StepFailure('health', `${unit} is not healthy after ${tally.used} attempts: ${problem}`);
  }
  return isComing ? refusedRetryMs : health.intervalMs;
}

/** A limit that is not held against the build must not look as if it were. */
async function tellUnjudged(
  { vitals, isJournalUnread }: Look,
  { target: { limits }, manager }: GateSubject,
  tools: GateTools,
): Promise<void> {
  const about = { limits, manager, signal: tools.signal };
  for (const message of unmeasured(vitals, about)) note(tools, message);
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) note(tools, unseenProcess(vitals));
  if (isJournalUnread || !isRoot) note(tools, await unseenJournal(vitals.unit, about));
}

function note({ emit }: GateTools, message: string | null): void {
  if (message !== null) emit({ type: 'note', message });
}

/** A look that ends the gate by itself, such as one that finds a limit broken, is a part of the evidence too. */
function throwTold(error: unknown, { transcript }: GateTools, number: number): never {
  if (error instanceof StepFailure) {
    const { reason, message } = error;
    transcript.push({ at: new Date().toISOString(), number, observed: reason, problem: message });
  }
  throw error;
}

function report(
  { emit, transcript }: GateTools,
  { look, number, of }: { look: Look; number: number; of: number },
): void {
  const { observed, problem } = look;
  transcript.push({ at: new Date().toISOString(), number, observed, problem });
  emit({ type: 'attempt', number, of, problem, observed });
}
