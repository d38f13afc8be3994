import { errnoOf } from './errors.ts';

/** Whether there is a process of that number, whoever it belongs to; a zombie is one too. */
export function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
