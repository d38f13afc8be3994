import { isCutoverError } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { originOf } from '../builds/origin.ts';
import { type PortHolder, portHolders } from '../systemd/processes.ts';
import type { RunDocument } from '../run/document.ts';
import { servingBuild } from '../deploy/identity.ts';
import { readInFlight, type InFlight } from '../run/in-flight.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import { describeHolder } from '../systemd/holder.ts';
import { readJournal } from '../systemd/journal.ts';
import { history } from './history.ts';
import { type UnfinishedChange, unfinishedChange } from './init/cut-off.ts';
import type { Place } from './place.ts';
import { previousBuild } from './previous.ts';
import { lookAtService } from './service-look.ts';

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
  /** what the unit's process really runs from; `current` where that may not be seen */
  serving: string | null;
  /** what the build in service was made from */
  revision: string | null;
  branch: string | null;
  previous: string | null;
  in_flight: InFlight | null;
  /** a change of the unit itself, by `cutover init`, that has not ended */
  unfinished_change: UnfinishedChange | null;
  last_run: RunDocument | null;
  recent_errors: string[];
}

/** Errors older than this are yesterday's. */
const recentMs = 60 * 60 * 1000;
const mostErrors = 5;

/** Looks at everything of a target at once. @throws `permission`, `bus_lost`; the signal's reason */
export async function status(
  place: Pick<Place, 'target' | 'paths' | 'systemd' | 'config' | 'signal'>,
): Promise<TargetStatus> {
  const { target, paths } = place;
  const [service, current, previous, runs, holders, errors] = await Promise.all([
    lookAtService(place),
    currentWithOrigin(target.builds),
    previousOrNone(place),
    runsOf(paths),
    Promise.all(target.ports.map((port) => portHolders(port))),
    recentErrors(place),
  ]);
  return {
    target: target.name,
    ...unitStatus(service.facts),
    healthy: service.healthy,
    port_owner: nameOwners(holders.flat()),
    ...current,
    serving: await servingBuild(target.builds, service.facts, current.current).catch(() => current.current),
    previous,
    ...runs,
    recent_errors: errors,
  };
}

/** What is at work, was cut off, or ended last. */
async function runsOf(
  paths: Place['paths'],
): Promise<Pick<TargetStatus, 'in_flight' | 'unfinished_change' | 'last_run'>> {
  const [inFlight, change, runs] = await Promise.all([readInFlight(paths), unfinishedChange(paths), history(paths, 1)]);
  return { in_flight: inFlight, unfinished_change: change, last_run: runs[0] ?? null };
}

/** One whose builds directory is not there must not keep the others from being told of. */
async function previousOrNone(place: Pick<Place, 'target' | 'paths'>): Promise<string | null> {
  return previousBuild(place).catch((error: unknown) => {
    if (isCutoverError(error, 'no_build')) return null;
    throw error;
  });
}

async function recentErrors({
  target,
  config,
  signal,
}: Pick<Place, 'target' | 'config' | 'signal'>): Promise<string[]> {
  const since = { sinceMs: Date.now() - recentMs, lines: mostErrors, signal };
  const entries = await readJournal({ manager: config.manager, unit: target.unit, priority: 3, ...since });
  return entries.map(({ at, message }) => `${at.toISOString()} ${message}`);
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

function nameOwners(holders: readonly PortHolder[]): string | null {
  const names = holders.map(({ processes }) => describeHolder(processes[0] ?? null));
  return names.length === 0 ? null : [...new Set(names)].join(', ');
}
