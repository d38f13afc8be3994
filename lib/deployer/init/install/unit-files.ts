import { join } from 'node:path';
import type { Command } from '../../../base/exec.ts';
import { ownFile } from '../../../base/own-files.ts';
import type { ManagerKind } from '../../../config/model.ts';
import { systemctl } from '../../../systemd/typed.ts';
import { commandText } from '../../../systemd/unit-text.ts';

/** A file that `init --install` puts on the machine. */
export interface InstallFile {
  path: string;
  text: string;
  /** permission bits */
  mode: number;
  /** other texts of ours that may stand there: as it is shipped, put there by hand */
  known: string[];
  /** without it what was asked for does not work, so that somebody else's file at its place is a refusal */
  isNeeded: boolean;
}

/** What a unit of ours has to be told of this machine. */
export interface UnitPlaces {
  /** cutover itself, named in full: systemd knows neither our directory nor our PATH */
  command: Command;
  /** the manager's folder for units of the administrator */
  unitDirectory: string;
}

/** The first line of every unit that is ours. */
export const mark = '# Written by `cutover init --install`; `cutover init --uninstall` takes it back.';
/** The name of our lines beside a unit. */
export const dropIn = '50-cutover.conf';

const mode = 0o644;
const shippedCommand = '/usr/bin/cutover';

/** A unit of this package as it is to lie in the manager's folder; its shipped text is the first that is `known`. */
export function shippedUnit(name: string, manager: ManagerKind, { command, unitDirectory }: UnitPlaces): InstallFile {
  const shipped = ownFile(`units/${name}`);
  const text = forManager(
    shipped.replaceAll(shippedCommand, () => commandText(command)),
    manager,
  );
  const own = [mark, `# Your own lines: ${systemctl(manager, `edit ${name}`)}`, '', text].join('\n');
  return { path: join(unitDirectory, name), text: own, mode, known: [shipped], isNeeded: true };
}

/**
 * What takes rights to set up, which the manager of a user has not (systemd.exec(5)); and a directory of state, which systemd
 * would make among the user's configuration.
 */
const notOfUsers =
  /^(StateDirectory\w*|Protect\w+|Private\w+|CapabilityBoundingSet|AmbientCapabilities|InaccessiblePaths|User|DynamicUser|RemoveIPC|RestrictNamespaces)=/;

/**
 * What the manager of a user cannot set up without NoNewPrivileges=yes, and so implies it (systemd.exec(5)). A unit that does not
 * ask for that itself runs hooks, which may want sudo.
 */
const impliesNoNewPrivileges =
  /^(LockPersonality|MemoryDenyWriteExecute|RestrictAddressFamilies|RestrictRealtime|RestrictSUIDSGID|SystemCall\w+)=/;

/** The manager of a user has no multi-user.target either, and would never start what that wants. */
function forManager(text: string, manager: ManagerKind): string {
  if (manager === 'system') return text;
  const mayGainRights = !/^NoNewPrivileges=yes$/m.test(text);
  const lines = text.replace('WantedBy=multi-user.target', 'WantedBy=default.target').split('\n');
  const isKept = (line: string): boolean =>
    !notOfUsers.test(line) && !(mayGainRights && impliesNoNewPrivileges.test(line));
  return lines.filter(isKept).join('\n');
}
