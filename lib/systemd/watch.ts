import { openController } from '../base/wait.ts';
import type { Bus, BusSignal } from './bus.ts';
import type { Connection } from './connection.ts';
import { manager, unitPath } from './names.ts';
import { propertiesOf, unwrap } from './properties.ts';

/** What changed on a unit: only the properties that systemd sent. */
export type PropertyListener = (changed: Map<string, unknown>) => void;

const mostLooks = 10;

/** Passes on changes of a unit, on each bus that the connection gets, until the returned function is called. */
export async function watchUnit(connection: Connection, unit: string, listener: PropertyListener): Promise<() => void> {
  const ended = openController();
  const heard = counting(listener);
  const isOver = (): boolean => ended.signal.aborted || connection.isClosed;
  const attach = async (): Promise<void> => {
    const bus = await connection.bus();
    if (isOver()) return;
    const { begun, stop } = listenOn(bus, unitPath(unit), heard.tell);
    ended.signal.addEventListener('abort', stop, { once: true });
    await begun;
    whenLost(bus, attachAgain, ended.signal);
  };
  const tellAll = async (): Promise<void> => {
    const now = await lookInBetween(heard, () => propertiesOf(connection, unit));
    if (now && !isOver()) listener(now);
  };
  const attachAgain = (): void => {
    if (isOver()) return;
    // Without a bus there is nothing to watch; whoever asks for facts next is told so.
    const told = connection.again(attach).then(tellAll);
    told.catch(() => {});
  };
  await connection.again(andAgain(attach, tellAll));
  return () => ended.abort();
}

/** What is done once more has missed what happened while the bus went away: that is told then. */
function andAgain(work: () => Promise<void>, tellMissed: () => Promise<void>): () => Promise<void> {
  let tries = 0;
  return async () => {
    tries += 1;
    await work();
    if (tries > 1) await tellMissed();
  };
}

/** A listener, and how often it was told something. */
function counting(listener: PropertyListener): { tell: PropertyListener; count: () => number } {
  let signals = 0;
  const tell: PropertyListener = (changed) => {
    signals += 1;
    listener(changed);
  };
  return { tell, count: () => signals };
}

/**
 * Asks until no signal came meanwhile: what it tells is newer than what was asked for, and an old "dead" would pass for
 * the unit's end. Null: the unit changes with each look, and so tells of itself.
 */
async function lookInBetween<T>({ count }: { count: () => number }, ask: () => Promise<T>): Promise<T | null> {
  for (let look = 0; look < mostLooks; look += 1) {
    const before = count();
    const now = await ask();
    if (count() === before) return now;
  }
  return null;
}

/** It may be lost by now. */
function whenLost({ lost }: Bus, act: () => void, signal: AbortSignal): void {
  if (lost.aborted) act();
  else lost.addEventListener('abort', act, { once: true, signal });
}

/** `begun` resolves once the bus passes the changes on; when it refuses, nobody listens any more. */
function listenOn(bus: Bus, path: string, listener: PropertyListener): { begun: Promise<void>; stop: () => void } {
  const member = 'PropertiesChanged';
  const rule = `type='signal',sender='${manager.destination}',path='${path}',member='${member}'`;
  const deafen = bus.onSignal((signal: BusSignal) => {
    if (signal.path === path && signal.member === member) listener(unwrap(signal.body[1]));
  });
  const begun = bus.addMatch(rule).catch((error: unknown) => {
    deafen();
    throw error;
  });
  const stop = (): void => {
    deafen();
    bus.removeMatch(rule);
  };
  return { begun, stop };
}
