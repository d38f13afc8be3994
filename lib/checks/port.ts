import { describeHolder } from '../systemd/holder.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import {
  isOfSameUser,
  isServiceManager,
  type ProcessFacts,
  portHolders,
  serviceManagerPid,
} from '../systemd/processes.ts';
import { systemctl } from '../systemd/typed.ts';
import { type Answer, fail, pass } from './check.ts';

/**
 * S1: each port is free, or held by this very unit; any other holder is named.
 * @param facts its main process tells its user, where descriptors may not be seen
 * @param isShared the ports belong to a socket unit, so systemd holds them too
 */
export async function askPort(
  ports: readonly number[],
  { unit, mainPid }: Pick<UnitFacts, 'unit' | 'mainPid'>,
  { isShared = false }: { isShared?: boolean } = {},
): Promise<Answer> {
  const expected = `free, or held by ${unit}`;
  if (ports.length === 0) return pass('no port is configured', expected);
  const holders = (await Promise.all(ports.map((port) => portHolders(port)))).flat();
  for (const { listener, processes } of holders) {
    if (processes.some((process) => process.unit === unit || (isShared && isServiceManager(process)))) continue;
    const known = isShared ? [mainPid, serviceManagerPid] : [mainPid];
    if (processes.length === 0 && (await isOfSameUser(listener, known))) continue;
    const [holder] = processes;
    const where = `port ${listener.port} on ${listener.address}`;
    return fail(`${where} is held by ${describeHolder(holder ?? null)}`, expected, mendFor(holder));
  }
  return pass(holders.length === 0 ? 'free' : `held by ${unit}`, expected);
}

/** A unit of another user's manager cannot be named to a manager of ours. */
function mendFor(holder: ProcessFacts | undefined): string {
  if (!holder) return 'sudo ss -ltnp';
  const isOfOther = holder.manager === 'user' && holder.uid !== process.getuid?.();
  if (holder.unit === null || isOfOther) return `kill ${holder.pid}, if it is not needed`;
  return systemctl(holder.manager, `stop ${holder.unit}`);
}
