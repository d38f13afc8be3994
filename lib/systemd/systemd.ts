import { isCutoverError } from '../base/errors.ts';
import type { ManagerKind } from '../config/model.ts';
import { type BusCall, connectBus } from './bus.ts';
import { type Connection, openConnection } from './connection.ts';
import { factsFrom, type UnitFacts, type UnitVitals } from './facts.ts';
import { type JobOptions, type JobResult, runJob } from './jobs.ts';
import { manager } from './names.ts';
import { propertiesOf, propertyOf, vitalsOf } from './properties.ts';
import { type PropertyListener, watchUnit } from './watch.ts';

/** What systemd tells of a unit at once. */
export interface KnownUnit {
  facts: UnitFacts;
  properties: ReadonlyMap<string, unknown>;
}

/** The manager of the system or of the user, over its D-Bus interface (org.freedesktop.systemd1(5)). */
export interface Systemd {
  readonly kind: ManagerKind;
  /** @throws `no_such_unit` never: an unknown unit has `loadState` "not-found" */
  facts(unit: string): Promise<UnitFacts>;
  /** the same, and every property by its name for who would ask for more: systemd tells all of them or one */
  known(unit: string): Promise<KnownUnit>;
  /** a third of the cost of all facts */
  vitals(unit: string): Promise<UnitVitals>;
  /** one property, a twentieth of the cost of all facts; `kind` is the last part of the interface's name */
  property(unit: string, kind: 'Unit' | 'Service' | 'Socket', name: string): Promise<unknown>;
  start(unit: string, options: JobOptions): Promise<JobResult>;
  stop(unit: string, options: JobOptions): Promise<JobResult>;
  restart(unit: string, options: JobOptions): Promise<JobResult>;
  /** defines a unit and starts it, with others defined beside it (`StartTransientUnit`); not repeated when the bus is lost */
  startTransient(unit: string, properties: unknown[], beside: unknown[], options: JobOptions): Promise<JobResult>;
  /** clears a failed state and a used-up start limit; a unit that is not loaded is fine */
  resetFailed(unit: string): Promise<void>;
  /** `daemon-reload` */
  reload(): Promise<void>;
  /** ends every process in the unit's control group at once: SIGKILL (`KillUnit`) */
  kill(unit: string): Promise<void>;
  /** the names of the loaded units that match a pattern (`ListUnitsByPatterns`) */
  loadedUnits(pattern: string): Promise<string[]>;
  /** the processes in the unit's control group */
  processes(unit: string): Promise<number[]>;
  /**
   * Passes on changes of a unit until the returned function is called. When the bus is lost and comes back, the
   * listener gets all properties as they are then: nothing that lasts is missed.
   */
  watch(unit: string, listener: PropertyListener): Promise<() => void>;
  /** one call of the manager's own interface */
  call(member: string, signature: string, body: unknown[], about?: string): Promise<unknown[]>;
  /** one call of whoever else is on the same bus */
  ask(call: BusCall): Promise<unknown[]>;
  /** whether it obeys as it obeys root, which a process that was root may not be any more */
  isRoots(): boolean;
  close(): void;
}

/** Connects to the manager. @throws `systemd_unavailable` */
export async function openSystemd(kind: ManagerKind): Promise<Systemd> {
  const connection = openConnection(kind);
  await connection.bus();
  return new Client(connection);
}

/**
 * The same for who has other things to do meanwhile: the first question throws `systemd_unavailable`.
 * @param after when to begin: to connect takes this process' own time, in which others may already be at work for it
 */
export function reachSystemd(kind: ManagerKind, after?: Promise<unknown>): Systemd {
  return new Client(openConnection(kind, connectBus, after));
}

class Client implements Systemd {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get kind(): ManagerKind {
    return this.#connection.kind;
  }

  async facts(unit: string): Promise<UnitFacts> {
    return (await this.known(unit)).facts;
  }

  async known(unit: string): Promise<KnownUnit> {
    const properties = await propertiesOf(this.#connection, unit);
    return { facts: factsFrom(unit, properties, this.#connection.kind), properties };
  }

  async vitals(unit: string): Promise<UnitVitals> {
    return factsFrom(unit, await vitalsOf(this.#connection, unit), this.#connection.kind);
  }

  property(unit: string, kind: 'Unit' | 'Service' | 'Socket', name: string): Promise<unknown> {
    return propertyOf(this.#connection, unit, kind, name);
  }

  start = (unit: string, options: JobOptions): Promise<JobResult> => this.#job('StartUnit', unit, options);
  stop = (unit: string, options: JobOptions): Promise<JobResult> => this.#job('StopUnit', unit, options);
  restart = (unit: string, options: JobOptions): Promise<JobResult> => this.#job('RestartUnit', unit, options);

  async startTransient(unit: string, own: unknown[], beside: unknown[], options: JobOptions): Promise<JobResult> {
    const call = {
      member: 'StartTransientUnit',
      signature: 'ssa(sv)a(sa(sv))',
      body: [unit, 'fail', own, beside],
      unit,
    };
    return runJob(await this.#connection.bus(), call, options);
  }

  async resetFailed(unit: string): Promise<void> {
    await this.call('ResetFailedUnit', 's', [unit], unit).catch((error: unknown) => {
      if (!isCutoverError(error, 'no_such_unit')) throw error;
    });
  }

  async reload(): Promise<void> {
    await this.call('Reload', '', []);
  }

  async kill(unit: string): Promise<void> {
    await this.call('KillUnit', 'ssi', [unit, 'all', 9], unit).catch((error: unknown) => {
      // Of a unit that is down for good systemd may know nothing any more.
      if (!isCutoverError(error, 'no_such_unit')) throw error;
    });
  }

  async loadedUnits(pattern: string): Promise<string[]> {
    const [rows] = await this.call('ListUnitsByPatterns', 'asas', [[], [pattern]]);
    return (rows as [string, ...unknown[]][]).map(([name]) => name);
  }

  async processes(unit: string): Promise<number[]> {
    const [rows] = await this.call('GetUnitProcesses', 's', [unit], unit).catch((error: unknown) => {
      if (isCutoverError(error, 'no_such_unit')) return [[]];
      throw error;
    });
    return (rows as [string, number, string][]).map(([, pid]) => pid).filter((pid) => pid > 0);
  }

  watch(unit: string, listener: PropertyListener): Promise<() => void> {
    return watchUnit(this.#connection, unit, listener);
  }

  call(member: string, signature: string, body: unknown[], about?: string): Promise<unknown[]> {
    return this.#connection.call({ ...manager, member, signature, body, about });
  }

  isRoots = (): boolean => this.#connection.isRoots;

  ask = (call: BusCall): Promise<unknown[]> => this.#connection.call(call);

  close(): void {
    this.#connection.close();
  }

  /** PID 1 finishes a job whether or not anybody listens, and to ask twice for a start or a stop changes nothing. */
  async #job(member: string, unit: string, options: JobOptions): Promise<JobResult> {
    const call = { member, signature: 'ss', body: [unit, 'replace'], unit };
    const run = async (): Promise<JobResult> => runJob(await this.#connection.bus(), call, options);
    return member === 'RestartUnit' ? run() : this.#connection.again(run);
  }
}
