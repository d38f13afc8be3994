import { describeHolder } from '../systemd/holder.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import {
  holdersOf,
  isOfSameUser,
  isServiceManager,
  type ProcessFacts,
  serviceManagerPid,
  unitOf,
} from '../systemd/processes.ts';
import { listListeners, ownersOf } from '../systemd/sockets.ts';
import { systemctl } from '../systemd/typed.ts';
import { type Answer, fail, pass } from './check.ts';

/**
 * S1: each port is free, or held by this very unit; any other holder is named.
 * @param facts its main process tells its user, where descriptors may not be seen
 * @param isShared the ports belong to a socket unit, so systemd holds them too
 * @param maxAgeMs what was seen this long ago will do
 */
export async function askPort(
  ports: readonly number[],
  { unit, mainPid }: Pick<UnitFacts, 'unit' | 'mainPid'>,
  { isShared = false, maxAgeMs = 0 }: { isShared?: boolean; maxAgeMs?: number | undefined } = {},
): Promise<Answer> {
  const expected = `free, or held by ${unit}`;
  if (ports.length === 0) return pass('no port is configured', expected);
  const listeners = await listListeners(ports, { maxAgeMs });
  // Mostly they are all the main process' own, and no other process need be looked into.
  const own = unitOf(mainPid) === unit ? await ownersOf(new Set(listeners.map(({ inode }) => inode)), [mainPid]) : null;
  for (const { listener, processes } of await holdersOf(listeners.filter(({ inode }) => !own?.has(inode)))) {
    if (processes.some((process) => process.unit === unit || (isShared && isServiceManager(process)))) continue;
    const known = isShared ? [mainPid, serviceManagerPid] : [mainPid];
    if (processes.length === 0 && (await isOfSameUser(listener, known))) continue;
    const [holder] = processes;
    const where = `port ${listener.port} on ${listener.address}`;
    return fail(`${where} is held by ${describeHolder(holder ?? null)}`, expected, mendFor(holder));
  }
  return pass(listeners.length === 0 ? 'free' : `held by ${unit}`, expected);
}

/** A unit of another user's manager cannot be named to a manager of ours. */
function mendFor(holder: ProcessFacts | undefined): string {
  if (!holder) return 'sudo ss -ltnp';
  const isOfOther = holder.manager === 'user' && holder.uid !== process.getuid?.();
  if (holder.unit === null || isOfOther) return `kill ${holder.pid}, if it is not needed`;
  return systemctl(holder.manager, `stop ${holder.unit}`);
}
