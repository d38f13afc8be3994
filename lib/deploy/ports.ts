import { poll, sleep, withDeadline } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import { StepFailure } from '../run/failure.ts';
import { describeHolder } from '../systemd/holder.ts';
import {
  describeProcess,
  isOfSameUser,
  isServiceManager,
  type ProcessFacts,
  serviceManagerPid,
} from '../systemd/processes.ts';
import { areHidden, type Listener, listListeners, ownersOf } from '../systemd/sockets.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { isUnitsEnd, StoppedByOthers } from './life.ts';

/** No signal tells when a port opens. */
const askEveryMs = 2;
/** Who it is takes some 5 ms of a processor to find out, which the service that starts needs itself. */
const lookEveryMs = 100;
const longestLookEveryMs = 500;
const lookAgainMs = 5;
const askHoldersMs = 100;

/** Who listens where a unit's ports are: the unit itself, or others. */
export interface PortOwners {
  /** configured ports that nobody listens on */
  free: number[];
  strangers: Stranger[];
  /** processes of the unit that have one of them open */
  own: number[];
}

/** A listener of none of the unit's processes; a holder that may not be seen is null. */
interface Stranger {
  port: number;
  holder: ProcessFacts | null;
}

/**
 * Looks who listens on the ports, now. A listener is the unit's own when a process of
 * the unit's control group has it open (proc(5), `/proc/PID/fd`).
 * @param isShared the ports belong to a socket unit: systemd itself listens as well, and is no stranger
 */
export async function lookAtPorts(
  systemd: Systemd,
  unit: string,
  ports: readonly number[],
  { isShared = false }: { isShared?: boolean } = {},
): Promise<PortOwners> {
  const listeners = await listListeners([...ports]);
  const free = ports.filter((port) => !listeners.some((listener) => listener.port === port));
  if (listeners.length === 0) return { free, strangers: [], own: [] };
  const pids = await systemd.processes(unit);
  const owners = await ownersOf(new Set(listeners.map(({ inode }) => inode)), pids);
  const foreign = listeners.filter(({ inode }) => !owners.has(inode));
  const known = isShared ? [...pids, serviceManagerPid] : pids;
  const strangers = await Promise.all(foreign.map((listener) => strangerOf(listener, known)));
  const isStranger = ({ holder }: Stranger): boolean => !isShared || holder === null || !isServiceManager(holder);
  return {
    free,
    strangers: strangers.filter((stranger) => stranger !== null).filter(isStranger),
    own: [...owners.values()].flat(),
  };
}

/**
 * Whether processes of the unit have every one of the ports open, whoever else has. Of another user's processes, which
 * cannot be seen without root, it is enough that they are there: they have had the socket unit's sockets from their start.
 */
export async function holdsPorts(systemd: Systemd, unit: string, ports: readonly number[]): Promise<boolean> {
  const [listeners, pids] = await Promise.all([listListeners([...ports]), systemd.processes(unit)]);
  const own = await ownersOf(new Set(listeners.map(({ inode }) => inode)), pids);
  if (areHidden(pids)) return ports.every((port) => listeners.some((listener) => listener.port === port));
  return ports.every((port) => listeners.some((listener) => listener.port === port && own.has(listener.inode)));
}

/**
 * Who may have the unit's ports open, strangers left aside: its processes, and systemd for those of a socket unit.
 * Nobody is known while the bus is away, which ends no watch.
 */
export async function holdersOf(systemd: Systemd, unit: string): Promise<number[]> {
  const asking = { what: 'systemd did not name the processes', timeoutMs: askHoldersMs };
  return withDeadline(asking, async () => [...(await systemd.processes(unit)), 1]).catch(() => []);
}

async function strangerOf(listener: Listener, knownPids: readonly number[]): Promise<Stranger | null> {
  const { port, inode } = listener;
  const pid = (await ownersOf(new Set([inode]))).get(inode)?.[0];
  if (pid !== undefined) return { port, holder: await describeProcess(pid) };
  return (await isOfSameUser(listener, knownPids)) ? null : { port, holder: null };
}

/** Whether the ports are all open, as soon as somebody sees them so or after so long. @throws the signal's reason */
export type Opened = (withinMs: number, signal: AbortSignal) => Promise<boolean>;

/** Nobody looks: now and again it is found out who has the ports. */
export const unseen: Opened = (withinMs, signal) => sleep(withinMs, signal).then(() => false);

/** What is known of ports that are about to open. */
export interface Opening<T> {
  /** only then is it worth finding out who it is */
  opened: Opened;
  /** begins once something else as well, while it is found out who has the ports */
  whenOpen?: (owners: Promise<PortOwners>) => T;
}

/**
 * How often the kernel's tables are looked at for who has the ports: a service that starts for long may be found open at another address
 * by a tenth of that later.
 * @returns milliseconds
 */
export function tablesEvery(leastMs: number, lastedMs: number): number {
  return Math.min(longestLookEveryMs, Math.max(leastMs, lastedMs / 10));
}

/**
 * Waits until every port is listened on by the unit.
 * @returns what was begun with the look that found it so; null: nothing was
 * @throws `StepFailure` port_taken at the first stranger
 */
export async function untilListening<T>(
  systemd: Systemd,
  { unit, ports, strategy, opened, whenOpen }: Pick<TargetConfig, 'unit' | 'ports' | 'strategy'> & Opening<T>,
  signal: AbortSignal,
): Promise<T | null> {
  const beganMs = performance.now();
  for (let isBegun = false; ; ) {
    // A service that has begun to listen on another address than before is open nowhere we know of.
    const isWorthIt = await opened(tablesEvery(lookEveryMs, performance.now() - beganMs), signal);
    const lookedAt = performance.now();
    const looking = lookAtPorts(systemd, unit, ports, { isShared: strategy !== 'restart' });
    const begun = whenOpen && isWorthIt && !isBegun ? whenOpen(looking) : null;
    isBegun ||= isWorthIt;
    const { free, strangers } = await looking;
    // A process may have closed its socket between the two looks; whoever is named here still has it.
    const stranger = strangers.find(({ holder }) => holder !== null);
    if (stranger) throw portTaken(stranger);
    if (free.length === 0 && strangers.length === 0) return begun;
    // A slow look means large tables: the service that starts needs the processor itself.
    await sleep(Math.max(lookAgainMs, performance.now() - lookedAt), signal);
  }
}

/** Waits until nobody listens on the ports. @throws the signal's reason at the deadline */
export async function untilFree(ports: readonly number[], signal: AbortSignal): Promise<void> {
  await poll({ everyMs: askEveryMs, signal }, async () =>
    (await listListeners([...ports])).length === 0 ? true : undefined,
  );
}

/**
 * Why a unit ended on its way up: a program whose port somebody else has mostly ends, and systemd tells no more than its status. No
 * further start would help.
 * @returns `port_taken` where a stranger is found; otherwise, and where that cannot be asked, the error as it was
 */
export async function strangerOr(
  error: unknown,
  systemd: Systemd,
  { unit, ports, strategy }: Pick<TargetConfig, 'unit' | 'ports' | 'strategy'>,
): Promise<unknown> {
  // A socket unit's ports are systemd's, and are nobody's to take.
  if (!isUnitsEnd(error) || error instanceof StoppedByOthers || strategy !== 'restart') return error;
  const owners = await lookAtPorts(systemd, unit, ports).catch(() => null);
  const stranger = owners?.strangers.find(({ holder }) => holder !== null);
  return stranger ? portTaken(stranger) : error;
}

/** The failure that names who has the port. */
export function portTaken({ port, holder }: Stranger): StepFailure {
  return new StepFailure('port_taken', `port ${port} is taken by ${describeHolder(holder)}`);
}
