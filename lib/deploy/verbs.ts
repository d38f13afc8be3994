import type { TargetConfig } from '../config/model.ts';
import type { Verb } from '../systemd/authority.ts';

/** What cutover does to one unit in the course of a run, the way back included. */
export interface Needed {
  unit: string;
  /** `unit` is the beginning of a template's instance; what follows is the name of a build and ".service" */
  isStandIn: boolean;
  verbs: readonly Verb[];
}

/** A target as systemd knows it. */
export interface KnownUnits {
  target: Pick<TargetConfig, 'unit' | 'strategy'>;
  /** the unit's own name, where the configuration has an alias of it: polkit is asked about that one */
  id: string;
  /** the socket units that hold its ports (`TriggeredBy=`) */
  sockets: readonly string[];
}

const service: readonly Verb[] = ['start', 'stop', 'reset-failed', 'kill'];
const serviceBehindSocket: readonly Verb[] = ['start', 'stop', 'restart', 'reset-failed', 'kill'];
const socket: readonly Verb[] = ['start', 'stop', 'reset-failed'];

/**
 * The one list of what runs ask of systemd, unit by unit: permission is asked by it before anything changes, and the polkit
 * rule of a deploying user is written from it. Scopes and `daemon-reload` are not in it: polkit is told no unit there
 * (systemd 252), so whoever may have them for one unit may have them for all.
 */
export function neededOf({ target, id, sockets }: KnownUnits): Needed[] {
  if (target.strategy === 'restart') return [{ unit: id, isStandIn: false, verbs: service }];
  const standIns = { unit: `${target.unit.replace(/\.service$/, '')}-next@`, isStandIn: true, verbs: service };
  return [
    { unit: id, isStandIn: false, verbs: serviceBehindSocket },
    ...sockets.map((unit) => ({ unit, isStandIn: false, verbs: socket })),
    ...(target.strategy === 'overlap' ? [standIns] : []),
  ];
}
