import { CutoverError } from '../base/errors.ts';
import { isProcess } from '../base/process.ts';
import { asideName } from '../builds/removal.ts';
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
 * Who uses the builds of a target, by id: those that are out of reach already among them.
 * @throws `permission` when a process of the unit cannot be looked at: it may use any of them; `timeout`; `bus_lost`
 */
export async function usersOf({
  target,
  systemd,
  signal,
}: Pick<Place, 'target' | 'systemd' | 'signal'>): Promise<Users> {
  // Asked first: what begins afterwards is seen by the walk.
  const own = await systemd.processes(target.unit);
  const { uses, seen, hidden } = await usesBelow(target.builds, signal);
  const blind = own.filter((pid) => !seen.has(pid) && isProcess(pid));
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
    return {
      pid,
      command: facts?.command ?? null,
      unit: facts?.unit ?? null,
      how,
      path: path.replace(asideName(''), ''),
    };
  });
  return Promise.all(shown);
}

const mostShown = 5;
