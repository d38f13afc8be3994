import { readFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import type { Command, StartedProcess } from '../base/exec.ts';
import { start } from '../base/exec.ts';

/** Where a command starts inside of a sandbox, and with which environment; nothing of the caller's leaks in. */
export interface InsideOptions {
  cwd?: string;
  env?: Record<string, string>;
}

const baseEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  USER: 'root',
  LANG: 'C.UTF-8',
};

/**
 * The command that runs another one in the namespaces of a sandbox.
 * @param pid the sandbox's system manager as the host numbers it
 */
export function commandInside(pid: number, command: Command, { cwd = '/', env = {} }: InsideOptions = {}): Command {
  const assignments = Object.entries({ ...baseEnvironment, ...env }).map(([name, value]) => `${name}=${value}`);
  const enter = ['-t', String(pid), '-m', '-u', '-i', '-n', '-p', '-C', '--'];
  // nsenter forks into the pid namespace: without this a killed nsenter leaves the command running.
  const dieTogether = ['setpriv', '--pdeathsig', 'KILL', '--'];
  return ['nsenter', ...enter, ...dieTogether, 'env', '-i', `--chdir=${cwd}`, ...assignments, ...command];
}

/** Starts a command inside; `kill` reaches the command itself, not the nsenter in front of it. */
export async function startInside(
  pid: number,
  command: Command,
  options: InsideOptions & { signal?: AbortSignal } = {},
): Promise<StartedProcess> {
  const entered = await start(commandInside(pid, command, options), { signal: options.signal });
  return {
    ...entered,
    kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
      const inner = childOf(entered.pid);
      if (inner === null) return entered.kill(signal);
      try {
        return process.kill(inner, signal);
      } catch (error) {
        // It ended in between.
        if (errnoOf(error) === 'ESRCH') return false;
        throw error;
      }
    },
  };
}

/**
 * The one child of a process (proc(5), /proc/PID/task/TID/children), or null before it has one.
 * It reads at once because a signal that waits for an event loop may come too late.
 */
export function childOf(pid: number): number | null {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return child ? Number(child) : null;
  } catch {
    return null;
  }
}
