import { describeHolder } from '../systemd/holder.ts';
import { portHolders } from '../systemd/processes.ts';
import { type Answer, fail, pass } from './check.ts';

/** S1: each port is free, or held by this very unit; any other holder is named. */
export async function askPort(ports: readonly number[], unit: string): Promise<Answer> {
  const expected = `free, or held by ${unit}`;
  if (ports.length === 0) return pass('no port is configured', expected);
  const holders = (await Promise.all(ports.map((port) => portHolders(port)))).flat();
  for (const { listener, processes } of holders) {
    if (processes.some((process) => process.unit === unit)) continue;
    const [holder] = processes;
    const where = `port ${listener.port} on ${listener.address}`;
    const mend = holder?.unit
      ? `systemctl stop ${holder.unit}`
      : holder
        ? `kill ${holder.pid}, if it is not needed`
        : 'sudo ss -ltnp';
    return fail(`${where} is held by ${describeHolder(holder ?? null)}`, expected, mend);
  }
  return pass(holders.length === 0 ? 'free' : `held by ${unit}`, expected);
}
