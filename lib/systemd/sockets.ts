import { readdirSync, readlinkSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';
import { errnoOf } from '../base/errors.ts';
import { listPids } from './process-paths.ts';
import { fieldsOf, listenersIn, listening, tables } from './socket-tables.ts';

/** A TCP socket that listens. */
export interface Listener {
  port: number;
  /** as people write it: `127.0.0.1`, `::1`; `0.0.0.0` and `::` are every address */
  address: string;
  family: 'ipv4' | 'ipv6';
  /** the user who made the socket */
  uid: number;
  /** names the socket in `/proc/PID/fd` */
  inode: string;
}

/** A scan of all processes holds up nobody for longer than this. */
const scanSliceMs = 5;

/**
 * Who listens on any of these ports, in our network namespace (proc_pid_net(5)). The kernel walks its whole hash of
 * connections for it, which is some milliseconds where that is large: in the thread pool, and both tables at once.
 * @param maxAgeMs what somebody was told this long ago will do
 */
export async function listListeners(
  ports: readonly number[],
  { maxAgeMs = 0 }: { maxAgeMs?: number } = {},
): Promise<Listener[]> {
  if (ports.length === 0) return [];
  const found = tables.map(async ({ file, family, nobody }) => {
    const text = await listenersIn(file, maxAgeMs);
    return ports.flatMap((port) => linesOf(text, markOf(port, nobody)).map(listenerIn(family)));
  });
  return (await Promise.all(found)).flat();
}

/** Reads ahead what will be asked of these ports: one table after the other, on a processor that has nothing else to do. Never an error. */
export async function readListenersAhead(ports: readonly number[]): Promise<void> {
  if (ports.length === 0) return;
  for (const { file } of tables) await listenersIn(file, 0).catch(() => {});
}

/**
 * Which processes hold each of these sockets. A socket that none of them holds, as far as we may look, has no entry.
 * @param pids the only processes to look at; default: all
 */
export async function ownersOf(
  inodes: ReadonlySet<string>,
  pids: readonly number[] = listPids(),
): Promise<Map<string, number[]>> {
  const owners = new Map<string, number[]>();
  let sliceBegan = performance.now();
  for (const pid of inodes.size === 0 ? [] : pids) {
    // A set: one process may hold a socket through several descriptors.
    for (const inode of new Set(socketsOf(pid).map((socket) => socket.inode))) {
      if (inodes.has(inode)) owners.set(inode, [...(owners.get(inode) ?? []), pid]);
    }
    if (performance.now() - sliceBegan < scanSliceMs) continue;
    await new Promise(setImmediate);
    sliceBegan = performance.now();
  }
  return owners;
}

/** The descriptor under which one of these processes has a socket open, `/proc/PID/fd/N`; null: none, or hidden. */
export function descriptorOf(inode: string, pids: readonly number[]): string | null {
  for (const pid of pids) {
    for (const { descriptor, inode: own } of socketsOf(pid)) if (own === inode) return descriptor;
  }
  return null;
}

/** Whether there are processes and none of them may be looked at: they are another user's, and this is not root. */
export function areHidden(pids: readonly number[]): boolean {
  return pids.length > 0 && pids.every(isHidden);
}

function isHidden(pid: number): boolean {
  try {
    readdirSync(`/proc/${pid}/fd`);
    return false;
  } catch (error) {
    return errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM';
  }
}

function linesOf(text: string, pattern: string): string[] {
  const lines: string[] = [];
  for (let at = text.indexOf(pattern); at !== -1; at = text.indexOf(pattern, at + 1)) {
    lines.push(text.slice(text.lastIndexOf('\n', at) + 1, text.indexOf('\n', at)));
  }
  return lines;
}

function listenerIn(family: Listener['family']): (line: string) => Listener {
  return (line) => {
    const fields = fieldsOf(line);
    const [address = '', port = ''] = (fields[1] ?? '').split(':');
    return {
      port: Number.parseInt(port, 16),
      address: addressOf(address, family),
      family,
      uid: Number(fields[7]),
      inode: fields[9] ?? '',
    };
  };
}

/** The kernel prints an address as 32-bit words in the machine's own byte order. */
function addressOf(hex: string, family: Listener['family']): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (family === 'ipv4') return [...bytes].join('.');
  const address = bytes.toString('hex').replaceAll(/....(?=.)/g, '$&:');
  return new SocketAddress({ address, family }).address;
}

/** What stands in the line of a socket that listens on a port, and in no other. */
function markOf(port: number, nobody: string): string {
  return `:${port.toString(16).toUpperCase().padStart(4, '0')} ${nobody} ${listening} `;
}

function socketsOf(pid: number): { descriptor: string; inode: string }[] {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).flatMap((fd) => {
      const descriptor = `${directory}/${fd}`;
      const inode = /^socket:\[(\d+)\]$/.exec(linkOrEmpty(descriptor))?.[1];
      return inode === undefined ? [] : [{ descriptor, inode }];
    });
  } catch (error) {
    return nothingIfHidden(error, []);
  }
}

function linkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return nothingIfHidden(error, '');
  }
}

/** The process ended (ESRCH while it does), the descriptor was closed, or they are none of our business. */
function nothingIfHidden<T>(error: unknown, nothing: T): T {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return nothing;
  throw error;
}
