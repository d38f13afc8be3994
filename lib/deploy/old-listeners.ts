import { killedMs, terminate } from '../base/terminate.ts';
import type { TargetConfig } from '../config/model.ts';
import { startTicksOf } from '../systemd/processes.ts';
import { listListeners, ownersOf } from '../systemd/sockets.ts';
import type { Systemd } from '../systemd/systemd.ts';

/** When each process of a unit began: a number alone may be another's by now. */
export type Running = ReadonlyMap<number, number | null>;

/** What runs in a unit. */
export async function runningIn(systemd: Pick<Systemd, 'processes'>, unit: string): Promise<Running> {
  return new Map((await systemd.processes(unit)).map((pid) => [pid, startTicksOf(pid)]));
}

/**
 * Ends what ran in a unit before its restart and still listens: `KillMode=process` leaves children behind, and connections would go
 * to them as well. SIGTERM, and SIGKILL after `stopTimeoutMs` (milliseconds). One that has given the port back may end its work.
 * @param before what ran then
 * @returns how many they were
 * @throws `timeout`; the signal's reason when aborted
 */
export async function endOldListeners(
  systemd: Pick<Systemd, 'processes'>,
  target: Pick<TargetConfig, 'unit' | 'ports' | 'stopTimeoutMs'>,
  { before, signal }: { before: Running; signal: AbortSignal },
): Promise<number> {
  const listOld = (): Promise<number[]> => oldListeners(systemd, target, before);
  const old = await listOld();
  if (old.length === 0) return 0;
  const what = `what ran before in ${target.unit} did not end`;
  await terminate(old, listOld, { what, graceMs: target.stopTimeoutMs, killMs: killedMs, everyMs: 10, signal });
  return old.length;
}

async function oldListeners(
  systemd: Pick<Systemd, 'processes'>,
  { unit, ports }: Pick<TargetConfig, 'unit' | 'ports'>,
  before: Running,
): Promise<number[]> {
  const pids = (await systemd.processes(unit)).filter(
    (pid) => before.has(pid) && before.get(pid) === startTicksOf(pid),
  );
  if (pids.length === 0) return [];
  const inodes = new Set((await listListeners(ports)).map(({ inode }) => inode));
  return [...new Set([...(await ownersOf(inodes, pids)).values()].flat())];
}
