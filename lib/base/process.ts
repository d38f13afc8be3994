import { errnoOf } from './errors.ts';

/**
 * A field of `/proc/PID/stat` by its number (proc_pid_stat(5)), from 3 on: the name before them may hold spaces and parentheses of its own.
 * @param stat the text
 */
export function statField(stat: string, number: number): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[number - 3]);
}

/** Whether there is a process of that number, whoever it belongs to; a zombie is one too. */
export function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
