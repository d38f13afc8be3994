import { probe, type ProbeResult } from '../checks/probe.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { judgeJournal, judgeMemory } from './limits.ts';
import { lookAtPorts, portTaken } from './ports.ts';

/** What is looked at, and what it is measured by. */
export interface LookSubject {
  target: TargetConfig;
  manager: ManagerKind;
  memoryBefore: number | null;
  /** what the unit wrote to the journal before this moment is not judged: it may have run long before */
  sinceMs?: number;
}

interface LookTools {
  systemd: Systemd;
  signal: AbortSignal;
}

/** What one look at the service came to. `problem` null: all is well. */
export interface Look {
  facts: UnitFacts;
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
 * @throws `StepFailure` when a stranger has a port, or the unit is over a limit
 */
export async function lookOnce(subject: LookSubject, { systemd, signal }: LookTools): Promise<Look> {
  const { target } = subject;
  const { unit, health, ports } = target;
  const asking = Promise.all([systemd.facts(unit), ...health.urls.map((url) => probe(url, health, signal))]);
  const limits = asking.then(([facts]) => requireWithinLimits(facts, subject, signal));
  // A stranger on the port is the better reason, and is found out meanwhile.
  limits.catch(() => {});
  const owners = await lookAtPorts(systemd, unit, ports, { isShared: target.strategy !== 'restart' });
  const [facts, ...answers] = await asking;
  const stranger = owners.strangers.find(({ holder }) => holder !== null);
  if (stranger) throw portTaken(stranger);
  const isJournalUnread = await limits;
  const [closed] = owners.free;
  const bad = answers.find(({ problem }) => problem !== null);
  const observed = answers.map(({ status, durationMs }) => `${status ?? 'no answer'} in ${Math.round(durationMs)} ms`);
  const problem = closed ? `nobody listens on port ${closed}` : bad ? `${bad.url}: ${bad.problem}` : null;
  return {
    facts,
    observed: observed.join(', ') || facts.subState,
    problem,
    isNotThereYet: closed !== undefined || isStarting(bad, target),
    isJournalUnread,
    isServedByChild: facts.mainPid !== 0 && owners.own.length > 0 && !owners.own.includes(facts.mainPid),
  };
}

/** @returns whether the journal could not be read @throws `StepFailure` when the unit is over a limit */
async function requireWithinLimits(facts: UnitFacts, subject: LookSubject, signal: AbortSignal): Promise<boolean> {
  const { target, manager, memoryBefore, sinceMs } = subject;
  const { limits } = target;
  const tooMuch = judgeMemory(facts, limits, memoryBefore);
  if (tooMuch) throw tooMuch;
  const { failure, isUnread } = await judgeJournal(facts, { limits, manager, sinceMs, signal });
  if (failure) throw failure;
  return isUnread;
}

/** Where systemd holds the port nobody is refused: whoever asks a service that is not up yet waits. */
function isStarting(answer: ProbeResult | undefined, { strategy }: TargetConfig): boolean {
  return answer !== undefined && (answer.isRefused || (answer.isSilent && strategy !== 'restart'));
}
