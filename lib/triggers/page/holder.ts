import type { Holder } from '../../run/lock.ts';
import { readHolder } from '../../run/lock.ts';
import type { ShownHolder } from '../../report/page/model.ts';
import type { StatePaths } from '../../run/state.ts';
import { describeProcess } from '../../systemd/processes.ts';

/** proc_pid_stat(5) counts in these. */
const ticksPerSecond = 100;
/** Two clocks tell when a process began; they may differ so much. */
const slackMs = 2_000;

/**
 * Who has the target now, as far as files tell. After a boot, or after very many processes, the same number may be another
 * process's: one that began after the target was taken did not take it.
 */
export async function holderNow(paths: StatePaths, nowMs = Date.now()): Promise<ShownHolder | null> {
  const holder = await readHolder(paths);
  if (!isWhole(holder)) return null;
  const [facts, self] = await Promise.all([describeProcess(holder.pid), describeProcess(process.pid)]);
  if (!facts || facts.isZombie || !self) return null;
  // In a container the time since the boot may be another one than processes are counted by.
  const laterMs = ((facts.startTicks - self.startTicks) * 1000) / ticksPerSecond;
  const beganMs = nowMs - process.uptime() * 1000 + laterMs;
  if (Date.parse(holder.since) < beganMs - slackMs) return null;
  const { doing, pid, user, since } = holder;
  return { doing, pid, user, since };
}

/** Somebody else may have written the file. */
function isWhole(holder: Partial<Holder> | null): holder is Holder {
  const { pid, doing, since, user } = holder ?? {};
  return typeof pid === 'number' && pid > 0 && [doing, since, user].every((text) => typeof text === 'string');
}
