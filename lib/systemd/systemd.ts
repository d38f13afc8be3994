import { CutoverError, isCutoverError } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import type { ManagerKind } from '../config/model.ts';
import type { BusCall, BusSignal } from './bus.ts';
import { type Connection, openConnection } from './connection.ts';
import { isDbusError } from './failures.ts';
import { factsFrom, type UnitFacts } from './facts.ts';
import { type JobOptions, type JobResult, runJob } from './jobs.ts';
import { manager, unitPath } from './names.ts';

/** What changed on a unit: only the properties that systemd sent. */
export type PropertyListener = (changed: Map<string, unknown>) => void;

/** The manager of the system or of the user, over its D-Bus interface (org.freedesktop.systemd1(5)). */
export interface Systemd {
  /** @throws `no_such_unit` never: an unknown unit has `loadState` "not-found" */
  facts(unit: string): Promise<UnitFacts>;
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
  close(): void;
}

/** Connects to the manager. @throws `systemd_unavailable` */
export async function openSystemd(kind: ManagerKind): Promise<Systemd> {
  const connection = openConnection(kind);
  await connection.bus();
  return new Client(connection);
}

/** The same for who has other things to do meanwhile: the first question throws `systemd_unavailable`. */
export function reachSystemd(kind: ManagerKind): Systemd {
  return new Client(openConnection(kind));
}

class Client implements Systemd {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async facts(unit: string): Promise<UnitFacts> {
    return factsFrom(unit, await this.#properties(unit), this.#connection.kind);
  }

  async property(unit: string, kind: 'Unit' | 'Service' | 'Socket', name: string): Promise<unknown> {
    const body = [`org.freedesktop.systemd1.${kind}`, name];
    const call = { ...properties, path: unitPath(unit), member: 'Get', signature: 'ss', body, about: unit };
    const [variant] = await this.#connection.call(call);
    return (variant as { value: unknown }).value;
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

  async watch(unit: string, listener: PropertyListener): Promise<() => void> {
    const path = unitPath(unit);
    const member = 'PropertiesChanged';
    const rule = `type='signal',sender='${manager.destination}',path='${path}',member='${member}'`;
    const ended = openController();
    const isOver = (): boolean => ended.signal.aborted || this.#connection.isClosed;
    const attach = async (): Promise<void> => {
      const bus = await this.#connection.bus();
      if (isOver()) return;
      const stop = bus.onSignal((signal: BusSignal) => {
        if (signal.path === path && signal.member === member) listener(unwrap(signal.body[1]));
      });
      await bus.addMatch(rule).catch((error: unknown) => {
        stop();
        throw error;
      });
      ended.signal.addEventListener('abort', () => [stop(), bus.removeMatch(rule)], { once: true });
      if (bus.lost.aborted) attachAgain();
      else bus.lost.addEventListener('abort', attachAgain, { once: true, signal: ended.signal });
    };
    const attachAgain = (): void => {
      if (isOver()) return;
      // Without a bus there is nothing to watch; whoever asks for facts next is told so.
      this.#connection
        .again(attach)
        .then(async () => {
          const now = await this.#properties(unit);
          if (!isOver()) listener(now);
        })
        .catch(() => {});
    };
    await this.#connection.again(attach);
    return () => ended.abort();
  }

  call(member: string, signature: string, body: unknown[], about?: string): Promise<unknown[]> {
    return this.#connection.call({ ...manager, member, signature, body, about });
  }

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

  async #properties(unit: string): Promise<Map<string, unknown>> {
    const path = unitPath(unit);
    const getAll = (interfaceName: string): Promise<unknown[]> =>
      this.#connection.call({
        ...properties,
        path,
        member: 'GetAll',
        signature: 's',
        body: [interfaceName],
        about: unit,
      });
    const [common, service] = await Promise.all([
      getAll('org.freedesktop.systemd1.Unit'),
      // A unit that is no service, or that does not exist, has no such interface.
      unit.endsWith('.service') ? getAll('org.freedesktop.systemd1.Service').catch(emptyIfUnknown) : [],
    ]);
    return new Map([...unwrap(service[0]), ...unwrap(common[0])]);
  }
}

const properties = { destination: manager.destination, interface: 'org.freedesktop.DBus.Properties' };

function emptyIfUnknown(error: unknown): unknown[] {
  if (error instanceof CutoverError && isDbusError(error, 'org.freedesktop.DBus.Error.UnknownInterface')) return [];
  throw error;
}

function unwrap(dictionary: unknown): Map<string, unknown> {
  const entries = Object.entries((dictionary ?? {}) as Record<string, { value: unknown }>);
  return new Map(entries.map(([name, variant]) => [name, variant.value]));
}
