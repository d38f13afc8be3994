import { probe, type ProbeResult } from '../checks/probe.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';
import type { UnitVitals } from '../systemd/facts.ts';
import type { ReadyQuestion } from '../systemd/ready-question.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { judgeJournal, judgeMemoryInUse } from './limits.ts';
import { lookAtPorts, type PortOwners, portTaken } from './ports.ts';

/** What is looked at, and what it is measured by. */
export interface LookSubject {
  target: TargetConfig;
  manager: ManagerKind;
  memoryBefore: number | null;
  /** what the unit wrote to the journal before this moment is not judged: it may have run long before */
  sinceMs?: number;
}

export interface LookTools {
  systemd: Systemd;
  signal: AbortSignal;
  /** what else is to be proven of the service, while the journal is read */
  prove?: ((vitals: UnitVitals) => Promise<void>) | undefined;
  /** what somebody finds out about the ports just now */
  owners?: Promise<PortOwners> | undefined;
  /** what was begun to read the journal */
  journal?: ReadyQuestion | null | undefined;
}

/** What one look at the service came to. `problem` null: all is well. */
export interface Look {
  /** when it was begun (`performance.now()`) */
  atMs: number;
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
export async function lookOnce(subject: LookSubject, { systemd, signal, prove, ...known }: LookTools): Promise<Look> {
  const atMs = performance.now();
  const { target } = subject;
  const { unit, health, ports } = target;
  const asking = Promise.all([systemd.vitals(unit), ...health.urls.map((url) => probe(url, health, signal))]);
  const limits = asking.then(([vitals]) => requireWithinLimits(vitals, subject, { systemd, signal, ...known }));
  const proof = asking.then(([vitals]) => prove?.(vitals));
  // A stranger on the port is the better reason, and is found out meanwhile.
  for (const judged of [limits, proof]) judged.catch(() => {});
  const isShared = target.strategy !== 'restart';
  const owners = await (known.owners ?? lookAtPorts(systemd, unit, ports, { isShared }));
  const [vitals, ...answers] = await asking;
  const stranger = owners.strangers.find(({ holder }) => holder !== null);
  if (stranger) throw portTaken(stranger);
  const isJournalUnread = await limits;
  await proof;
  const isServedByChild = vitals.mainPid !== 0 && owners.own.length > 0 && !owners.own.includes(vitals.mainPid);
  return { atMs, vitals, ...seenIn(answers, owners, { vitals, target }), isJournalUnread, isServedByChild };
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

/** Whether a look asks each port something: a program that looks whether one is free has it open for a moment, and closes it. */
export function isEachPortAsked({ health, ports }: Pick<TargetConfig, 'health' | 'ports'>): boolean {
  const asked = new Set(health.urls.map(portOf));
  return ports.every((port) => asked.has(port));
}

function portOf(url: string): number | null {
  if (url.startsWith('http://unix:')) return null;
  const { protocol, port } = new URL(url);
  return Number(port) || ({ 'http:': 80, 'https:': 443 }[protocol] ?? null);
}

/** @returns whether the journal could not be read @throws `StepFailure` when the unit is over a limit */
async function requireWithinLimits(
  vitals: UnitVitals,
  subject: LookSubject,
  { systemd, signal, journal }: Pick<LookTools, 'systemd' | 'signal' | 'journal'>,
): Promise<boolean> {
  const { target, manager, memoryBefore, sinceMs } = subject;
  const { limits } = target;
  const tooMuch = await judgeMemoryInUse(systemd, vitals, { limits, memoryBefore });
  if (tooMuch) throw tooMuch;
  const { failure, isUnread } = await judgeJournal(vitals, { limits, manager, sinceMs, signal }, journal);
  if (failure) throw failure;
  return isUnread;
}

/** Where systemd holds the port nobody is refused: whoever asks a service that is not up yet waits. */
function isStarting(answer: ProbeResult | undefined, { strategy }: TargetConfig): boolean {
  return answer !== undefined && (answer.isRefused || (answer.isSilent && strategy !== 'restart'));
}
