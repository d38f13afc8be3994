import { basename, normalize } from 'node:path';
import { CutoverError } from '../../base/errors.ts';
import type { ManagerKind } from '../../config/model.ts';
import { nearestName } from '../../config/nearest.ts';
import { commandProperties, commandsFrom, type UnitCommand } from '../../systemd/commands.ts';
import { isUp, type UnitFacts } from '../../systemd/facts.ts';
import { describeProcess } from '../../systemd/processes.ts';
import type { Listener } from '../../systemd/sockets.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { systemctl } from '../../systemd/typed.ts';
import { listenersOf } from '../../systemd/unit-ports.ts';

/** What a unit that is to be deployed to shows of itself. */
export interface SeenUnit {
  facts: UnitFacts;
  isRunning: boolean;
  /** `WorkingDirectory=`; null where it is not set, or is a home directory */
  directory: string | null;
  /** `WorkingDirectory=-…`: without the directory the service starts in / */
  mayLackDirectory: boolean;
  /** those of `ExecStart=` */
  commands: UnitCommand[];
  /** what its processes listen on now */
  listeners: Listener[];
  /** its processes are another user's, so that their sockets cannot be seen */
  isHidden: boolean;
  /** the socket unit that holds its port */
  socket: string | null;
}

/**
 * Reads what systemd and the kernel know of a unit.
 * @throws `no_such_unit`, `unit_masked`, `refused` when its file is wrong
 */
export async function lookAtUnit(systemd: Systemd, unit: string, manager: ManagerKind): Promise<SeenUnit> {
  const { facts, properties } = await systemd.known(unit);
  await requireLoaded(systemd, facts, manager);
  const pids = await systemd.processes(unit);
  const [more, less] = commandProperties('ExecStart').map((name) => properties.get(name));
  const [listeners, isHidden] = await Promise.all([listenersOf(pids), areHidden(pids)]);
  return {
    facts,
    isRunning: isUp(facts),
    ...directoryOf(facts.workingDirectory),
    commands: commandsFrom(more ?? less),
    listeners,
    isHidden,
    socket: facts.triggeredBy.find((name) => name.endsWith('.socket')) ?? null,
  };
}

/** The absolute paths in a word, such as those in a line for a shell; an address of the web holds none. */
export function pathsIn(word: string): string[] {
  return word.match(/(?<![^\s"'`:;,=|&<>()])\/(?!\/)[^\s"'`:;,=|&<>()]+/g) ?? [];
}

/** On the bus "-" in front of the path is a "!", and the user's home directory is "~". */
function directoryOf(property: string | null): Pick<SeenUnit, 'directory' | 'mayLackDirectory'> {
  const path = property?.replace(/^!/, '') ?? '';
  const directory = path.startsWith('/') ? normalize(path).replace(/(.)\/$/, '$1') : null;
  return { directory, mayLackDirectory: path !== (property ?? '') };
}

async function requireLoaded(systemd: Systemd, facts: UnitFacts, manager: ManagerKind): Promise<void> {
  const { unit, loadState, loadError } = facts;
  if (loadState === 'loaded') return;
  if (loadState === 'masked') {
    throw new CutoverError('unit_masked', `${unit} is masked: systemd will not start it`, {
      mend: systemctl(manager, `unmask ${unit}`),
    });
  }
  if (loadState === 'not-found') throw await unknownUnit(systemd, unit, manager);
  throw new CutoverError('refused', `systemd cannot load ${unit} (${loadState})${loadError ? `: ${loadError}` : ''}`, {
    mend: `systemd-analyze ${manager === 'user' ? '--user ' : ''}verify ${unit}`,
  });
}

async function unknownUnit(systemd: Systemd, unit: string, manager: ManagerKind): Promise<CutoverError> {
  const [files] = await systemd.call('ListUnitFilesByPatterns', 'asas', [[], ['*.service']]);
  const names = (files as [string, string][]).map(([path]) => basename(path));
  const near = nearestName(unit, names);
  const whose = manager === 'user' ? 'your own manager' : 'systemd';
  const list = systemctl(manager, 'list-units --type=service');
  return new CutoverError('no_such_unit', `${whose} knows no unit ${unit}${near ? `, did you mean ${near}?` : ''}`, {
    mend: manager === 'system' && process.getuid?.() !== 0 ? `${list}; for a unit of your own manager: --user` : list,
  });
}

async function areHidden(pids: readonly number[]): Promise<boolean> {
  const own = process.geteuid?.();
  if (own === 0 || pids.length === 0) return false;
  const processes = await Promise.all(pids.map(describeProcess));
  return !processes.some((one) => one?.uid === own);
}
