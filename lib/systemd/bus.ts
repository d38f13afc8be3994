import { existsSync } from 'node:fs';
import { runtimeDirectory } from '../base/xdg.ts';
import { CutoverError, isCutoverError, messageOf } from '../base/errors.ts';
import { answerWithin, openController } from '../base/wait.ts';
import type { ManagerKind } from '../config/model.ts';
import { loadDbus, type Message, type MessageBus } from './dbus.ts';
import { dbusFailure } from './failures.ts';
import { followSpeaker, type Speaker } from './speaker.ts';
import { systemctl } from './typed.ts';

/** One method call: where, what, and the arguments with their D-Bus signature. */
export interface BusCall {
  destination: string;
  path: string;
  interface: string;
  member: string;
  signature?: string;
  body?: unknown[];
  /** the unit this call is about, for the message when it fails */
  about?: string;
}

/** A signal as it came from the bus. */
export interface BusSignal {
  path: string;
  interface: string;
  member: string;
  body: unknown[];
}

export interface Bus {
  readonly kind: ManagerKind;
  /** aborted, with a `bus_lost` error, once the connection has ended; with `systemd_unavailable` where it never was one */
  readonly lost: AbortSignal;
  /** @throws the reason of `lost`; `bus_lost` also when no answer comes, and what `dbusFailure` makes of the manager's own answer */
  call(call: BusCall): Promise<unknown[]>;
  /** passes on what systemd itself sends, once it has answered a call */
  onSignal(listener: (signal: BusSignal) => void): () => void;
  /** asks the bus to pass signals on (D-Bus specification, "Match Rules") */
  addMatch(rule: string): Promise<void>;
  /** and no more; a bus has room for so many rules of one client */
  removeMatch(rule: string): void;
  close(): void;
}

/** Who passes the signals on (D-Bus specification, "Message Bus Messages"). */
const busItself = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
};

/** systemd answers in under a millisecond; a manager in `daemon-reload` may take seconds. */
const callTimeoutMs = 20_000;
const connectTimeoutMs = 5_000;

/** dbus-next types leave out what carries the connection; a lost stream is seen nowhere else. */
interface Connection {
  stream: NodeJS.EventEmitter & { writable: boolean; destroy(): void };
}

/** Whose bus it is, the signal that it is lost, what gives it up for us, and who is systemd on it. */
interface Lifeline extends Pick<Bus, 'kind' | 'lost'> {
  end: (cause?: unknown) => void;
  speaker: Speaker;
}

/** Makes the error of a bus that does not let us in. */
type Unavailable = (cause: unknown) => CutoverError;

/**
 * Begins to connect to the bus of the system or of the user. What it is asked meanwhile goes out with the greeting, and has to be what
 * dbus-next can write for certain: nobody could catch its error then. When the bus does not let us in, that is thrown
 * `systemd_unavailable`.
 * @throws `systemd_unavailable` when there is no bus
 */
export async function connectBus(kind: ManagerKind, env: NodeJS.ProcessEnv = process.env): Promise<Bus> {
  const address = busAddress(kind, env);
  const unavailable: Unavailable = (cause) =>
    new CutoverError('systemd_unavailable', `no ${kind} bus at ${address}: ${messageOf(cause)}`, {
      mend: kind === 'user' ? 'loginctl enable-linger $USER' : 'systemctl start dbus.socket',
      cause,
    });
  const socket = /^unix:path=([^,;]+)/.exec(address)?.[1];
  if (socket && !existsSync(socket)) throw unavailable('the socket does not exist');
  const dbus = await loadDbus();
  const raw = opened(() => dbus.sessionBus({ busAddress: address }), unavailable);
  const line = watchConnection(raw, kind, unavailable);
  return wrap(raw, line, callsOf(raw, line, dbus.Message));
}

/** An address of a kind that dbus-next does not know (`unix:abstract=`, `tcp:` without a port) is refused at once. */
function opened(open: () => MessageBus, unavailable: Unavailable): MessageBus {
  try {
    return open();
  } catch (error) {
    throw unavailable(error);
  }
}

/** Makes a D-Bus variant: a value with the signature it is sent under. */
export type VariantMaker = (signature: string, value: unknown) => unknown;

export async function variantMaker(): Promise<VariantMaker> {
  const { Variant } = await loadDbus();
  return (signature, value) => new Variant(signature, value);
}

function busAddress(kind: ManagerKind, env: NodeJS.ProcessEnv): string {
  if (kind === 'system') return env.DBUS_SYSTEM_BUS_ADDRESS ?? 'unix:path=/run/dbus/system_bus_socket';
  if (env.DBUS_SESSION_BUS_ADDRESS) return env.DBUS_SESSION_BUS_ADDRESS;
  return `unix:path=${runtimeDirectory(env)}/bus`;
}

/** Without this, a call on a bus that went away never settles and the process ends with exit 0. */
function watchConnection(raw: MessageBus, kind: ManagerKind, unavailable: Unavailable): Lifeline {
  const ended = openController();
  const { stream } = connectionOf(raw);
  let isIn = false;
  const end = (cause?: unknown): void =>
    ended.abort(isIn ? lostBus(kind, cause) : unavailable(cause ?? 'the connection was closed'));
  raw.on('error', end);
  // dbus-next refuses to write from `end` on; `close` may come a while later.
  for (const event of ['end', 'close']) stream.on(event, () => end());
  // An answer that lies in the socket by then has come in time.
  const timer = setTimeout(() => setImmediate(giveUp), connectTimeoutMs);
  function giveUp(): void {
    if (!isIn) end(`the ${kind} bus did not answer within ${connectTimeoutMs / 1000} s`);
    if (!isIn) stream.destroy();
  }
  raw.once('connect', () => {
    isIn = true;
    clearTimeout(timer);
  });
  ended.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  const speaker = followSpeaker();
  raw.on('message', (message) => speaker.hear(message));
  return { kind, lost: ended.signal, end, speaker };
}

function lostBus(kind: ManagerKind, cause: unknown): CutoverError {
  return new CutoverError('bus_lost', `the connection to systemd was lost${cause ? `: ${messageOf(cause)}` : ''}`, {
    mend: `${systemctl(kind, 'status dbus.service')}; cutover status`,
    cause,
  });
}

function connectionOf(raw: MessageBus): Connection {
  return (raw as unknown as { _connection: Connection })._connection;
}

function callsOf(raw: MessageBus, line: Lifeline, MessageClass: typeof Message): Bus['call'] {
  const { kind, lost, end, speaker } = line;
  return async (request) => {
    lost.throwIfAborted();
    const { destination, path, member, signature, body } = request;
    const fields = { destination, path, interface: request.interface, member, signature, body };
    const bounds = { what: `systemd did not answer ${request.member}`, timeoutMs: callTimeoutMs, signal: lost };
    const reply = await answerWithin(bounds, async () => raw.call(new MessageClass(fields))).catch((error: unknown) => {
      // The stream may refuse a message before it says that it has ended.
      if (!connectionOf(raw).stream.writable) end(error);
      lost.throwIfAborted();
      // A job that takes too long is another thing: its unit may be ended for it.
      if (isCutoverError(error, 'timeout')) throw unanswered(kind, error.message, error);
      throw dbusFailure(error, { ...request, manager: kind });
    });
    if (reply) speaker.answered(destination, reply.sender);
    return reply?.body ?? [];
  };
}

/** Of a call that nobody answered: what became of it is not known. */
export function unanswered(kind: ManagerKind, message: string, cause: unknown): CutoverError {
  return new CutoverError('bus_lost', message, { mend: systemctl(kind, 'status'), cause });
}

function wrap(raw: MessageBus, { kind, lost, speaker }: Lifeline, call: Bus['call']): Bus {
  // Each unit that is watched listens; Node warns at the eleventh.
  raw.setMaxListeners(0);
  return {
    kind,
    lost,
    call,
    onSignal(listener) {
      const pass = (message: Message): void => {
        if (speaker.isHeardIn(message)) listener(message);
      };
      raw.on('message', pass);
      return () => raw.off('message', pass);
    },
    async addMatch(rule) {
      await call({ ...busItself, member: 'AddMatch', signature: 's', body: [rule] });
    },
    removeMatch(rule) {
      // Nobody waits for it, and with the connection all its rules go.
      call({ ...busItself, member: 'RemoveMatch', signature: 's', body: [rule] }).catch(() => {});
    },
    close: () => connectionOf(raw).stream.destroy(),
  };
}
