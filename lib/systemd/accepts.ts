import { connect, isIPv6 } from 'node:net';

/** What to connect to for an address that a service listens on; `::` takes IPv4 as well unless the service refuses it. */
const reachedBy: Record<string, readonly string[]> = {
  '0.0.0.0': ['127.0.0.1'],
  '::': ['127.0.0.1', '::1'],
};
const loopbacks = ['127.0.0.1', '::1'];

/**
 * Has Node compile what tells IPv6 addresses, where there is one among them: that takes milliseconds, and the first connection
 * otherwise waits for it with the port closed.
 */
export function rehearseConnecting(addresses: readonly string[]): void {
  for (const address of addresses) if (address.includes(':')) isIPv6(address);
}

/**
 * Whether somebody accepts connections on a port. Cheaper than reading the kernel's socket table to its end, but it
 * says nothing of who it is, and to a service that is up it is a connection like any other: for waiting until a
 * closed port opens.
 * @param addresses where it listened before; without any, the loopback
 */
export async function isAccepting(port: number, addresses: readonly string[] = []): Promise<boolean> {
  const known = addresses.flatMap((address) => reachedBy[address] ?? [address]);
  const hosts = new Set(known.length > 0 ? known : loopbacks);
  const answers = await Promise.all([...hosts].map((host) => tryToConnect(host, port)));
  return answers.includes(true);
}

function tryToConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    // A full queue neither accepts nor refuses; the kernel would try again for minutes.
    // Where this process stood still for that long, the connection may be there: Node looks at timers before it reads.
    socket.setTimeout(1_000, () => setImmediate(end, false));
  });
}
