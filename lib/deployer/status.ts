import { currentBuild } from '../builds/current.ts';
import { originOf } from '../builds/origin.ts';
import { probe } from '../checks/probe.ts';
import { isOfSameUser, type PortHolder, portHolders, serviceManagerPid } from '../systemd/processes.ts';
import type { RunDocument } from '../run/document.ts';
import { readInFlight, type InFlight } from '../run/in-flight.ts';
import { isRunning, type UnitFacts } from '../systemd/facts.ts';
import { describeHolder } from '../systemd/holder.ts';
import { readJournal } from '../systemd/journal.ts';
import { history } from './history.ts';
import type { Place } from './place.ts';
import { previousBuild } from './previous.ts';

/** One target at a glance (S11), as `--json` prints it. */
export interface TargetStatus {
  target: string;
  unit: string;
  state: string;
  sub_state: string;
  healthy: boolean;
  restarts: number;
  memory_bytes: number | null;
  main_pid: number | null;
  since: string | null;
  port_owner: string | null;
  current: string | null;
  /** what the build in service was made from */
  revision: string | null;
  branch: string | null;
  previous: string | null;
  in_flight: InFlight | null;
  last_run: RunDocument | null;
  recent_errors: string[];
}

/** Errors older than this are yesterday's. */
const recentMs = 60 * 60 * 1000;
const mostErrors = 5;

/** Looks at everything of a target at once. @throws `permission`, `bus_lost` */
export async function status(
  place: Pick<Place, 'target' | 'paths' | 'systemd' | 'config' | 'signal'>,
): Promise<TargetStatus> {
  const { target, paths, systemd, config, signal } = place;
  const { unit, builds } = target;
  const errors = { manager: config.manager, unit, priority: 3, sinceMs: Date.now() - recentMs, lines: mostErrors };
  const [facts, current, previous, inFlight, runs, holders, answers, entries] = await Promise.all([
    systemd.facts(unit),
    currentWithOrigin(builds),
    previousBuild(place),
    readInFlight(paths),
    history(paths, 1),
    Promise.all(target.ports.map((port) => portHolders(port))),
    Promise.all(target.health.urls.map((url) => probe(url, target.health, signal))),
    readJournal(errors),
  ]);
  const isAnswering = answers.every(({ problem }) => problem === null);
  return {
    target: target.name,
    ...unitStatus(facts),
    healthy: isRunning(facts) && isAnswering && (await areOwn(holders, facts)),
    port_owner: nameOwners(holders.flat()),
    ...current,
    previous,
    in_flight: inFlight,
    last_run: runs[0] ?? null,
    recent_errors: entries.map(({ at, message }) => `${at.toISOString()} ${message}`),
  };
}

async function currentWithOrigin(builds: string): Promise<Pick<TargetStatus, 'current' | 'revision' | 'branch'>> {
  const current = await currentBuild(builds);
  return { current, ...(await originOf(builds, current)) };
}

function unitStatus(
  facts: UnitFacts,
): Pick<TargetStatus, 'unit' | 'state' | 'sub_state' | 'restarts' | 'memory_bytes' | 'main_pid' | 'since'> {
  const { unit, activeState, subState, restarts, memoryBytes, mainPid, stateChangedMs, loadState } = facts;
  return {
    unit,
    state: loadState === 'loaded' ? activeState : loadState,
    sub_state: subState,
    restarts,
    memory_bytes: memoryBytes,
    main_pid: mainPid || null,
    since: stateChangedMs > 0 ? new Date(stateChangedMs).toISOString() : null,
  };
}

/** Whether somebody listens on every port, and it is the unit. */
async function areOwn(ports: readonly PortHolder[][], { unit, mainPid, triggeredBy }: UnitFacts): Promise<boolean> {
  if (ports.some((holders) => holders.length === 0)) return false;
  const isBehindSocket = triggeredBy.some((name) => name.endsWith('.socket'));
  const known = isBehindSocket ? [mainPid, serviceManagerPid] : [mainPid];
  const own = ports.flat().map(async ({ listener, processes }) => {
    if (processes.length === 0) return isOfSameUser(listener, known);
    return processes.some((process) => process.unit === unit);
  });
  return (await Promise.all(own)).every(Boolean);
}

function nameOwners(holders: readonly PortHolder[]): string | null {
  const names = holders.map(({ processes }) => describeHolder(processes[0] ?? null));
  return names.length === 0 ? null : [...new Set(names)].join(', ');
}
