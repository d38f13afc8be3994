import type { Patient, Relations, Service, Setup, Socket } from '../../lib/checks/doctor/patient.ts';
import { directConfig } from '../../lib/config/direct.ts';
import type { StrategyName, TargetConfig } from '../../lib/config/model.ts';
import type { UnitFacts } from '../../lib/systemd/facts.ts';
import { factsWith } from '../systemd/facts.ts';

export const builds = '/srv/app/builds';
export const build = 'dist.20260203-151116';
const none: Relations = { conflicts: [], partOf: [], bindsTo: [], requires: [] };

/** What a test changes of a unit, or of those that share its socket. */
export interface Changes {
  strategy?: StrategyName;
  target?: Partial<TargetConfig>;
  facts?: Partial<UnitFacts>;
  setup?: Partial<Setup>;
  relations?: Partial<Relations>;
  socket?: Partial<Socket>;
  standIn?: Partial<UnitFacts>;
  standInRelations?: Partial<Relations>;
  /** of the main unit, and of the stand-in; default: both */
  nonBlocking?: [main: boolean, standIn: boolean];
  queue?: Patient['queue'];
  /** of the main unit, and of the stand-in; default: neither */
  dynamic?: [main: boolean, standIn: boolean];
  lastRun?: Patient['lastRun'];
  missing?: Patient['missing'];
  whereabouts?: Partial<Patient['whereabouts']>;
}

/** A unit that nothing is to be said about, with a socket and a stand-in where the strategy wants them. */
export function patientWith(changes: Changes = {}): Patient {
  const { strategy = 'restart', lastRun = null } = changes;
  const isShared = strategy !== 'restart';
  const standIn = strategy === 'overlap' ? standInWith(changes) : null;
  const noLimit = isShared ? { startLimitIntervalMs: 0, triggeredBy: ['app.socket'] } : {};
  const relations = { ...none, requires: isShared ? ['app.socket'] : [], ...changes.relations };
  const [isNonBlocking = true] = changes.nonBlocking ?? [];
  const [isDynamic = false] = changes.dynamic ?? [];
  const main: Service = { facts: factsWith({ ...noLimit, ...changes.facts }), relations, isNonBlocking, isDynamic };
  const { targets } = directConfig({ unit: 'app.service', builds, ports: [9000], manager: 'system' });
  const target = Object.values(targets)[0] as TargetConfig;
  return {
    target: { ...target, strategy, ...changes.target },
    main,
    setup: { ...setup, ...changes.setup },
    buildsPaths: [builds, '/data/builds'],
    services: [main, ...(standIn ? [standIn] : [])],
    sockets: isShared ? [{ ...socket, ...changes.socket }] : [],
    standIn,
    queue: changes.queue ?? (isShared ? { kernel: 4096, most: 4096 } : null),
    lastRun,
    missing: changes.missing ?? [],
    whereabouts: { isNamed: true, running: [`${builds}/${build}`], ...changes.whereabouts },
  };
}

const setup: Setup = {
  killMode: 'mixed',
  sendsKill: true,
  restartDelayMs: 100,
  commands: [{ setting: 'ExecStart', argv: ['/usr/bin/node', 'server.js', '$PORT'] }],
  environment: ['NODE_ENV=production'],
  environmentFiles: [],
  roots: [],
  ownDirectories: [],
  upheldBy: [],
  refusesStart: false,
  refusesStop: false,
  startLimitAction: 'none',
};

const socket: Socket = {
  unit: 'app.socket',
  relations: none,
  needDaemonReload: false,
  backlog: 4096,
  triggerBurst: 0,
  triggerIntervalMs: 0,
};

function standInWith({ standIn, standInRelations, ...changes }: Changes): Service {
  const [, isNonBlocking] = changes.nonBlocking ?? [true, true];
  const [, isDynamic] = changes.dynamic ?? [false, false];
  const facts = factsWith({
    unit: `app-next@${build}.service`,
    restart: 'no',
    startLimitIntervalMs: 0,
    workingDirectory: `${builds}/${build}`,
    triggeredBy: ['app.socket'],
    ...standIn,
  });
  return { facts, relations: { ...none, ...standInRelations }, isNonBlocking, isDynamic };
}
