import type { Message } from './dbus.ts';
import { manager } from './names.ts';

/** Who speaks for systemd on a bus. */
export interface Speaker {
  /** hears a message before anybody else does */
  hear(message: Message): void;
  /** takes whoever answered a call of `destination` for its owner */
  answered(destination: string, sender: string): void;
  /** whether a message is a signal of systemd's own */
  isHeardIn(message: Message): boolean;
}

const busName = 'org.freedesktop.DBus';
const signalType = 4;

/** Has the bus tell when another connection takes systemd's name, as after `daemon-reexec`. */
export const speakerRule = `type='signal',sender='${busName}',interface='${busName}',member='NameOwnerChanged',arg0='${manager.destination}'`;

/**
 * Follows which connection has systemd's name. Anybody on the bus may send a client a signal in systemd's words, past all of its
 * rules; but the bus itself writes the sender, and lets nobody answer a call but who was called.
 */
export function followSpeaker(): Speaker {
  let name: string | undefined;
  return {
    hear({ type, sender, member, body }) {
      if (type !== signalType || sender !== busName || member !== 'NameOwnerChanged') return;
      if (body[0] === manager.destination) name = String(body[2]);
    },
    answered(destination, sender) {
      // A change of owner that was read together with the reply is the later news.
      if (destination === manager.destination) name ??= sender;
    },
    isHeardIn: ({ type, sender }) => type === signalType && sender === name,
  };
}
