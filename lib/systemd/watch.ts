import { openController } from '../base/wait.ts';
import type { Bus, BusSignal } from './bus.ts';
import type { Connection } from './connection.ts';
import { manager, unitPath } from './names.ts';
import { propertiesOf, unwrap } from './properties.ts';

/** What changed on a unit: only the properties that systemd sent. */
export type PropertyListener = (changed: Map<string, unknown>) => void;

/** Passes on changes of a unit, on each bus that the connection gets, until the returned function is called. */
export async function watchUnit(connection: Connection, unit: string, listener: PropertyListener): Promise<() => void> {
  const ended = openController();
  const isOver = (): boolean => ended.signal.aborted || connection.isClosed;
  const attach = async (): Promise<void> => {
    const bus = await connection.bus();
    if (isOver()) return;
    const { heard, stop } = listenOn(bus, unitPath(unit), listener);
    ended.signal.addEventListener('abort', stop, { once: true });
    await heard;
    whenLost(bus, attachAgain, ended.signal);
  };
  const tellAll = async (): Promise<void> => {
    const now = await propertiesOf(connection, unit);
    if (!isOver()) listener(now);
  };
  const attachAgain = (): void => {
    if (isOver()) return;
    // Without a bus there is nothing to watch; whoever asks for facts next is told so.
    connection
      .again(attach)
      .then(tellAll)
      .catch(() => {});
  };
  await connection.again(attach);
  return () => ended.abort();
}

/** It may be lost by now. */
function whenLost({ lost }: Bus, act: () => void, signal: AbortSignal): void {
  if (lost.aborted) act();
  else lost.addEventListener('abort', act, { once: true, signal });
}

/** `heard` resolves once the bus passes the changes on; when it refuses, nobody listens any more. */
function listenOn(bus: Bus, path: string, listener: PropertyListener): { heard: Promise<void>; stop: () => void } {
  const member = 'PropertiesChanged';
  const rule = `type='signal',sender='${manager.destination}',path='${path}',member='${member}'`;
  const deafen = bus.onSignal((signal: BusSignal) => {
    if (signal.path === path && signal.member === member) listener(unwrap(signal.body[1]));
  });
  const heard = bus.addMatch(rule).catch((error: unknown) => {
    deafen();
    throw error;
  });
  const stop = (): void => {
    deafen();
    bus.removeMatch(rule);
  };
  return { heard, stop };
}
