import type { TargetConfig } from '../../config/model.ts';
import type { UnitCommand } from '../../systemd/commands.ts';
import type { UnitFacts } from '../../systemd/facts.ts';
import type { Answer } from '../check.ts';
import type { Whereabouts } from './whereabouts.ts';

/** How the units of a socket depend on each other, by what stands in their own files (systemd.unit(5)). */
export interface Relations {
  conflicts: string[];
  partOf: string[];
  bindsTo: string[];
  requires: string[];
}

/** A service of the target: the main unit, or another that shares its socket. */
export interface Service {
  facts: UnitFacts;
  relations: Relations;
  /** `NonBlocking=`: how it takes over its socket */
  isNonBlocking: boolean;
  /** `DynamicUser=`: systemd makes its user, and hands that user the directories it keeps for the service */
  isDynamic: boolean;
}

/** What else the main unit says of itself, as `systemctl show` has it. */
export interface Setup {
  killMode: string;
  sendsKill: boolean;
  restartDelayMs: number;
  /** the commands of each setting */
  commands: (UnitCommand & { setting: string })[];
  /** `NAME=value` */
  environment: string[];
  /** the paths of `EnvironmentFile=` */
  environmentFiles: string[];
  /** `RootDirectory=` and `RootImage=`, where they are set */
  roots: string[];
  /** what systemd makes for it below /var/lib, /var/cache, /var/log and /run (`StateDirectory=` and its like) */
  ownDirectories: string[];
  /** units that start it again whenever it ends (`Upholds=` in their files) */
  upheldBy: string[];
  refusesStart: boolean;
  refusesStop: boolean;
  /** what systemd does when the start limit is hit; "none": only to start it no more */
  startLimitAction: string;
}

/** A socket unit that starts the main unit. */
export interface Socket {
  unit: string;
  relations: Relations;
  needDaemonReload: boolean;
  /** `Backlog=` */
  backlog: number;
  /** activations after which systemd closes the socket, and the time they are counted in; 0: no limit */
  triggerBurst: number;
  triggerIntervalMs: number;
}

/** How connections wait on the shared port. */
export interface Queue {
  /** the shortest queue of the listeners, as the kernel has it; null: not to be seen */
  kernel: number | null;
  /** `net.core.somaxconn`: no queue is longer */
  most: number;
}

/** What the last good deploy saw of a stop and a start. */
export interface LastRun {
  run: string;
  /** the step that ended a build; null: none did */
  stop: LastStop | null;
  /** how long connections waited for the service behind its socket; null: not measured */
  restartMs: number | null;
}

export interface LastStop {
  step: string;
  tookMs: number;
  /** for how much of it nobody listened any more; null: not measured, as behind a socket unit */
  closedMs: number | null;
}

/** Everything the rules look at. They ask nothing themselves. */
export interface Patient {
  target: TargetConfig;
  main: Service;
  setup: Setup;
  /** the builds directory by every name that is known of it */
  buildsPaths: string[];
  /** the services that share the socket, the main unit first; with strategy `restart` it is alone */
  services: Service[];
  sockets: Socket[];
  /** the instance in which the candidate would come up beside the main unit; null: not to be asked */
  standIn: Service | null;
  queue: Queue | null;
  lastRun: LastRun | null;
  /** programs that a start needs, and that are not there */
  missing: { setting: string; path: string }[];
  whereabouts: Whereabouts;
}

/** One thing to look at in a unit. */
export interface Rule {
  name: string;
  appliesTo: (patient: Patient) => boolean;
  /** what was found, the good answer alone or every bad one */
  ask: (patient: Patient) => Answer[];
}

/** Whether the port belongs to a socket unit. */
export function isShared({ target }: Pick<Patient, 'target'>): boolean {
  return target.strategy !== 'restart';
}
