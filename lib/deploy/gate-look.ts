import { probe, type ProbeResult } from '../checks/probe.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';
import type { UnitVitals } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { judgeJournal, judgeMemory } from './limits.ts';
import { lookAtPorts, type PortOwners, portTaken, type SeenPorts } from './ports.ts';

/** What is looked at, and what it is measured by. */
export interface LookSubject {
  target: TargetConfig;
  manager: ManagerKind;
  memoryBefore: number | null;
  /** what the unit wrote to the journal before this moment is not judged: it may have run long before */
  sinceMs?: number;
  /** what the start has seen on the ports */
  seen?: SeenPorts | undefined;
}

/** A look takes some milliseconds itself: what was seen as long ago as this is as good as a new one. */
const seenMs = 30;

interface LookTools {
  systemd: Systemd;
  signal: AbortSignal;
  /** what else is to be proven of the service, while the journal is read */
  prove?: ((vitals: UnitVitals) => Promise<void>) | undefined;
}

/** What one look at the service came to. `problem` null: all is well. */
export interface Look {
  vitals: UnitVitals;
  observed: string;
  problem: string | null;
  isNotThereYet: boolean;
  isJournalUnread: boolean;
  /** only a child of the unit's main process has the ports open */
  isServedByChild: boolean;
}

/**
 * Asks HTTP, the unit and its ports at once, and the journal as soon as HTTP has answered: what the request made the service
 * say is there as soon as journald has taken it. A longer look, `healthy_for`, sees what comes late.
 * @throws `StepFailure` when a stranger has a port, the unit is over a limit, or what was to be proven is not so
 */
export async function lookOnce(subject: LookSubject, { systemd, signal, prove }: LookTools): Promise<Look> {
  const { target } = subject;
  const { unit, health, ports } = target;
  const asking = Promise.all([systemd.vitals(unit), ...health.urls.map((url) => probe(url, health, signal))]);
  const limits = asking.then(([vitals]) => requireWithinLimits(vitals, subject, signal));
  const proof = asking.then(([vitals]) => prove?.(vitals));
  // A stranger on the port is the better reason, and is found out meanwhile.
  for (const judged of [limits, proof]) judged.catch(() => {});
  const isShared = target.strategy !== 'restart';
  const owners = justSeen(subject) ?? (await lookAtPorts(systemd, unit, ports, { isShared }));
  const [vitals, ...answers] = await asking;
  const stranger = owners.strangers.find(({ holder }) => holder !== null);
  if (stranger) throw portTaken(stranger);
  const isJournalUnread = await limits;
  await proof;
  const isServedByChild = vitals.mainPid !== 0 && owners.own.length > 0 && !owners.own.includes(vitals.mainPid);
  return { vitals, ...seenIn(answers, owners, { vitals, target }), isJournalUnread, isServedByChild };
}

function seenIn(
  answers: readonly ProbeResult[],
  { free: [closed] }: PortOwners,
  { vitals, target }: { vitals: UnitVitals; target: TargetConfig },
): Pick<Look, 'observed' | 'problem' | 'isNotThereYet'> {
  const bad = answers.find(({ problem }) => problem !== null);
  const observed = answers.map(({ status, durationMs }) => `${status ?? 'no answer'} in ${Math.round(durationMs)} ms`);
  return {
    observed: observed.join(', ') || vitals.subState,
    problem: closed ? `nobody listens on port ${closed}` : bad ? `${bad.url}: ${bad.problem}` : null,
    isNotThereYet: closed !== undefined || isStarting(bad, target),
  };
}

/** Only where each port is asked as well: a program that looks whether a port is free has it open for a moment, and closes it. */
function justSeen({ seen, target }: LookSubject): PortOwners | null {
  const asked = new Set(target.health.urls.map(portOf));
  const isAsked = target.ports.every((port) => asked.has(port));
  return seen && isAsked && performance.now() - seen.atMs < seenMs ? seen.owners : null;
}

function portOf(url: string): number | null {
  const { protocol, port } = new URL(url);
  return Number(port) || ({ 'http:': 80, 'https:': 443 }[protocol] ?? null);
}

/** @returns whether the journal could not be read @throws `StepFailure` when the unit is over a limit */
async function requireWithinLimits(vitals: UnitVitals, subject: LookSubject, signal: AbortSignal): Promise<boolean> {
  const { target, manager, memoryBefore, sinceMs } = subject;
  const { limits } = target;
  const tooMuch = judgeMemory(vitals, limits, memoryBefore);
  if (tooMuch) throw tooMuch;
  const { failure, isUnread } = await judgeJournal(vitals, { limits, manager, sinceMs, signal });
  if (failure) throw failure;
  return isUnread;
}

/** Where systemd holds the port nobody is refused: whoever asks a service that is not up yet waits. */
function isStarting(answer: ProbeResult | undefined, { strategy }: TargetConfig): boolean {
  return answer !== undefined && (answer.isRefused || (answer.isSilent && strategy !== 'restart'));
}
