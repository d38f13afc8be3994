import { readListening, tables } from './socket-tables.ts';
import { type Listener, listListeners, ownersOf } from './sockets.ts';

/**
 * Every TCP socket that one of these processes listens on, as far as we may look: without root the descriptors of
 * another user's process cannot be seen (proc(5), `/proc/PID/fd`).
 */
export async function listenersOf(pids: readonly number[]): Promise<Listener[]> {
  const texts = await Promise.all(tables.map(({ file }) => readListening(file)));
  const listeners = await listListeners([...new Set(texts.flatMap(portsIn))]);
  const owners = await ownersOf(new Set(listeners.map(({ inode }) => inode)), pids);
  return listeners.filter(({ inode }) => owners.has(inode));
}

/** The local ports of a kernel table; those that do not listen are left out by whoever asks for them. */
function portsIn(table: string): number[] {
  return [...table.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)].map(([, port]) => Number.parseInt(port ?? '', 16));
}
