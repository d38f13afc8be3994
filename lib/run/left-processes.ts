import { readdir, readFile } from 'node:fs/promises';
import { terminate } from '../base/terminate.ts';
import { sleep } from '../base/wait.ts';

/** From SIGTERM to SIGKILL, and from that to giving up. */
const graceMs = 5_000;
const pollMs = 25;

/**
 * Ends the processes that a run's hooks have left, wherever they are: each has the run's name in its environment, whoever
 * its parent and its control group are. For a run whose own process is dead, where systemd granted no scope.
 * @returns how many there were
 */
export async function endLeftProcesses(run: string): Promise<number> {
  // One in the middle of an exec has no environment for a moment.
  const left = [...new Set([...(await processesOf(run)), ...(await sleep(pollMs).then(() => processesOf(run)))])];
  if (left.length === 0) return 0;
  const terms = { what: 'they did not end', graceMs, killMs: graceMs, everyMs: pollMs };
  await terminate(left, () => processesOf(run), terms).catch(() => {});
  return left.length;
}

/** Those whose environment we may read; proc_pid_environ(5) has it as it was at their start. */
async function processesOf(run: string): Promise<number[]> {
  const mark = `\0CUTOVER_RUN=${run}\0`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return `\0${environment}`.includes(mark) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
