import { createServer } from 'node:net';

/**
 * Whether all of these ports could be listened on at every address, in our network namespace: then nobody listens there. It
 * costs a hundredth of reading the kernel's tables, and for an instant the port is open. False says nothing: another
 * socket may be in the way, or the port may be one that not everybody may bind.
 */
export async function areBindable(ports: readonly number[]): Promise<boolean> {
  const answers = await Promise.all(ports.map(isBindable));
  return answers.every(Boolean);
}

/** Without a host Node binds `::` for IPv4 as well, and a listener at any address is in its way (ip(7), SO_REUSEADDR). */
function isBindable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    // Closed at once, and not when Node says that it listens: nobody is to wait in a queue that is never served.
    server.listen({ port, exclusive: true }).close((error) => resolve(error === undefined));
  });
}

/** Has Node load and compile all that listening takes, at a port of the kernel's choice: while ours is closed everybody waits for it. */
export async function rehearseBinding(): Promise<void> {
  await isBindable(0);
}
