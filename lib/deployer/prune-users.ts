import { join } from 'node:path';
import { CutoverError, errnoOf } from '../base/errors.ts';
import { removingName } from '../builds/removal.ts';
import { describeProcess } from '../systemd/processes.ts';
import { type Usage, type Use, usesBelow } from '../systemd/usage.ts';
import type { Place } from './place.ts';
import type { PruneUser } from './prune-report.ts';

/** Who uses builds, as far as it may be seen. */
export interface Users {
  uses: Usage['uses'];
  /** processes of others that could not be looked at */
  unseen: number;
}

/**
 * Who uses the builds of a target, or those that are out of reach already.
 * @param where the builds directory, or the one below it where builds wait to be removed
 * @throws `permission` when a process of the unit cannot be looked at: it may use any of them; `timeout`; `bus_lost`
 */
export async function usersOf(
  { target, systemd, signal }: Pick<Place, 'target' | 'systemd' | 'signal'>,
  where: string,
): Promise<Users> {
  // Asked first: what begins afterwards is seen by the walk.
  const own = await systemd.processes(target.unit);
  const { uses, seen, hidden } = await usesBelow(where, signal);
  const blind = own.filter((pid) => !seen.has(pid) && isAlive(pid));
  if (blind.length === 0) return { uses, unseen: hidden.size };
  const which = blind.length === 1 ? `pid ${blind[0]}` : `pids ${blind.slice(0, 5).join(', ')}`;
  throw new CutoverError(
    'permission',
    `no build is removed: the processes of ${target.unit} (${which}) cannot be looked at, and may use any of them`,
    {
      mend:
        process.getuid?.() === 0
          ? 'give this container the capability CAP_SYS_PTRACE'
          : `sudo cutover prune ${target.name}`,
    },
  );
}

/** Uses in words of who it is. A process that has ended meanwhile keeps its pid. */
export function describeUsers(uses: readonly Use[]): Promise<PruneUser[]> {
  const shown = uses.slice(0, mostShown).map(async ({ pid, how, path }): Promise<PruneUser> => {
    const facts = pid === null ? null : await describeProcess(pid);
    const seen = path.replace(`/${removingName}/`, '/');
    return { pid, command: facts?.command ?? null, unit: facts?.unit ?? null, how, path: seen };
  });
  return Promise.all(shown);
}

const mostShown = 5;

/** Where builds wait to be removed. */
export function removingPath(builds: string): string {
  return join(builds, removingName);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
