import { CutoverError } from '../base/errors.ts';
import type { Connection } from './connection.ts';
import { vitalProperties } from './facts.ts';
import { isDbusError } from './failures.ts';
import { manager, unitPath } from './names.ts';

const properties = { destination: manager.destination, interface: 'org.freedesktop.DBus.Properties' };

/** @param kind the last part of the interface's name */
export async function propertyOf(connection: Connection, unit: string, kind: string, name: string): Promise<unknown> {
  const body = [`org.freedesktop.systemd1.${kind}`, name];
  const call = { ...properties, path: unitPath(unit), member: 'Get', signature: 'ss', body, about: unit };
  const [variant] = await connection.call(call);
  return (variant as { value: unknown }).value;
}

/** The few that tell how a service is. */
export async function vitalsOf(connection: Connection, unit: string): Promise<Map<string, unknown>> {
  const asked = Object.entries(vitalProperties).flatMap(([kind, names]) =>
    names.map(async (name) => [name, await propertyOf(connection, unit, kind, name)] as const),
  );
  return new Map(await Promise.all(asked));
}

/** All that a unit has, and what it has as a service. */
export async function propertiesOf(connection: Connection, unit: string): Promise<Map<string, unknown>> {
  const call = { ...properties, path: unitPath(unit), member: 'GetAll', signature: 's', about: unit };
  const getAll = (kind: string): Promise<unknown[]> =>
    connection.call({ ...call, body: [`org.freedesktop.systemd1.${kind}`] });
  const [common, service] = await Promise.all([
    getAll('Unit'),
    // A unit that is no service, or that does not exist, has no such interface.
    unit.endsWith('.service') ? getAll('Service').catch(emptyIfUnknown) : [],
  ]);
  return new Map([...unwrap(service[0]), ...unwrap(common[0])]);
}

/** A dictionary from the bus without its variants. */
export function unwrap(dictionary: unknown): Map<string, unknown> {
  const entries = Object.entries((dictionary ?? {}) as Record<string, { value: unknown }>);
  return new Map(entries.map(([name, variant]) => [name, variant.value]));
}

function emptyIfUnknown(error: unknown): unknown[] {
  if (error instanceof CutoverError && isDbusError(error, 'org.freedesktop.DBus.Error.UnknownInterface')) return [];
  throw error;
}
