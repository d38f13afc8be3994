import { connect } from 'node:net';

const loopbacks = ['127.0.0.1', '::1'];
const wildcards = new Set(['0.0.0.0', '::']);

/**
 * Whether somebody accepts connections on a port of this machine's loopback. A twentieth of the cost of reading the
 * kernel's socket table, but it says nothing of who it is, and to a service that is up it is a connection like any other:
 * for waiting until a closed port opens.
 * @param addresses where it listened before, when that is known
 */
export async function isAccepting(port: number, addresses: readonly string[] = []): Promise<boolean> {
  const hosts = new Set([...loopbacks, ...addresses.filter((address) => !wildcards.has(address))]);
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
    socket.setTimeout(1_000, () => end(false));
  });
}
