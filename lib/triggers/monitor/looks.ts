import { isCutoverError, messageOf } from '../../base/errors.ts';
import { withDeadline } from '../../base/wait.ts';
import type { CheckAnswer } from '../../checks/check.ts';
import { askDisk } from '../../checks/disk.ts';
import { servingBuild } from '../../deploy/identity.ts';
import { judgeMemoryInUse } from '../../deploy/limits.ts';
import { askMonitorChecks } from '../../deployer/monitor-checks.ts';
import type { Place } from '../../deployer/place.ts';
import type { Reason } from '../../run/failure.ts';
import { look, type Look } from '../../deployer/recover/look.ts';
import { restartsSince, type Starts } from './starts.ts';
import type { IsSeen } from './state.ts';

/** What speaks against a target. */
export interface Found {
  key: string;
  level: 'fail' | 'warn';
  message: string;
  /** of the alert that it becomes; none: a warning */
  severity?: 'critical';
  /** of the service itself: in the contract's words */
  reason?: Reason;
}

/** A target as one pass sees it. */
export interface Seen {
  found: Found[];
  /** the problems that it can speak of: of what could not be looked at nothing is known, neither that it is there nor that it is over */
  isSeen: IsSeen;
  current: string | null;
  starts: Starts;
}

/** What follows is done about it; of everything else people are told. */
export const serviceKey = 'service';
const checksKey = 'checks';
const checkPrefix = 'check:';
/** What is seen along with the service. */
const besideService = ['memory', 'identity', 'disk'] as const;

/** A bus that does not answer, or an address that is slow to refuse, must not hold the next pass up. */
const serviceMs = 60_000;
const checksMs = 120_000;

/**
 * Looks at the unit, its ports, health, restarts, memory and identity, at the disk, and asks the checks that are for the monitor.
 * @param before the starts of the unit that the pass before knew of; null: it knew nothing
 * @throws `systemd_unavailable`, `bus_lost`, `permission`; the signal's reason
 */
export async function lookAtTarget(place: Place, before: Starts | null): Promise<Seen> {
  const [service, checks] = await Promise.all([lookAtService(place, before), lookAtChecks(place)]);
  const isSeen = (key: string): boolean => service.isSeen(key) && checks.isSeen(key);
  return { ...service, found: [...service.found, ...checks.found], isSeen };
}

/** The service alone, to see whether it is as bad as it looked. @throws as `lookAtTarget` */
export async function lookAtService(place: Place, before: Starts | null): Promise<Seen> {
  const { signal, target } = place;
  const bounds = { what: `${target.unit} could not be looked at`, timeoutMs: serviceMs, signal };
  try {
    return await withDeadline(bounds, (ended) => lookNow({ ...place, signal: ended }, before));
  } catch (error) {
    signal.throwIfAborted();
    if (!isCutoverError(error, 'timeout')) throw error;
    const found = [failing(serviceKey, error.message)];
    return { found, isSeen: allBut(besideService), current: null, starts: before ?? { restarts: 0 } };
  }
}

async function lookNow(place: Place, before: Starts | null): Promise<Seen> {
  const { target, config, systemd } = place;
  const [seen, disk] = await Promise.all([
    look(place),
    askDisk([target.builds, config.state], target.limits.diskUsed).catch(() => null),
  ]);
  const { facts, current, glance } = seen;
  const starts = { restarts: facts.restarts, invocation: facts.invocationId };
  const memory = await judgeMemoryInUse(systemd, facts, { limits: target.limits, memoryBefore: null });
  const identity = glance.healthy ? await identityFound(place, seen) : null;
  const found = [
    ...serviceFound(seen, restartsSince(before, starts)),
    ...(memory ? [failing('memory', memory.message)] : []),
    ...(identity ?? []),
    ...(disk?.status === 'fail' ? [failing('disk', `${disk.observed}, expected ${disk.expected}`)] : []),
  ];
  const unseen = Object.entries({ identity, disk }).flatMap(([key, answer]) => (answer === null ? [key] : []));
  return { found, isSeen: allBut(unseen), current, starts };
}

function allBut(unseen: readonly string[]): IsSeen {
  return (key) => !unseen.includes(key);
}

/** @param more how often systemd restarted it since the pass before */
function serviceFound({ glance, findings, facts }: Look, more: number): Found[] {
  const again = `systemd restarted ${facts.unit} ${more === 1 ? 'once' : `${more} times`} since the last pass`;
  const messages = [...(glance.healthy ? [] : findings), ...(more > 0 ? [again] : [])];
  return messages.length === 0 ? [] : [{ ...failing(serviceKey, messages.join('; ')), reason: reasonFor(glance) }];
}

function reasonFor({ healthy, state, sub_state }: Look['glance']): Reason {
  if (healthy || sub_state === 'auto-restart') return 'restarting';
  return state === 'active' ? 'health' : 'exited';
}

/** A link that was moved by hand leaves the build before serving, healthy as it is. @returns null: it is not known */
async function identityFound({ target }: Place, { facts, current }: Look): Promise<Found[] | null> {
  if (!target.health.identity || current === null) return [];
  try {
    const serving = await servingBuild(target.builds, facts, current);
    if (serving === current) return [];
    return [failing('identity', `current names ${current}, and ${serving ?? 'something else'} serves`)];
  } catch {
    return null;
  }
}

async function lookAtChecks(place: Place): Promise<Pick<Seen, 'found' | 'isSeen'>> {
  const { signal } = place;
  const bounds = { what: 'the configured checks did not end', timeoutMs: checksMs, signal };
  try {
    const answers = await withDeadline(bounds, (ended) => askMonitorChecks({ ...place, signal: ended }));
    return { found: answers.flatMap(foundBy), isSeen: () => true };
  } catch (error) {
    signal.throwIfAborted();
    return { found: [failing(checksKey, messageOf(error))], isSeen: (key) => !key.startsWith(checkPrefix) };
  }
}

function foundBy({ name, status, observed, expected }: CheckAnswer): Found[] {
  if (status === 'pass') return [];
  return [{ key: `${checkPrefix}${name}`, level: status, message: `${name}: ${observed} (expected: ${expected})` }];
}

/** A finding that speaks against the target. */
export function failing(key: string, message: string): Found {
  return { key, level: 'fail', message };
}
