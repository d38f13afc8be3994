import { Server as NetServer } from 'node:net';

/**
 * Ends an HTTP server at SIGTERM so that no client notices: it takes no more connections, answers everything that still
 * comes over the open ones, tells those clients to open a new one, and exits when the last has gone.
 * @param server of node:http or node:https; call this before it listens
 * @param pauseMs how long an idle connection may still send a request: longer than clients pause between two
 * @param deadlineMs after this, whatever is still open is cut; below TimeoutStopSec= of the unit
 * @param onEnd last work, such as closing a database
 */
export function drainOnSigterm(server, { pauseMs = 200, deadlineMs = 8_000, onEnd = async () => {} } = {}) {
  const open = new Set();
  const answering = new Map();
  let isDraining = false;

  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  // Before the application's own listener, which may send the headers at once.
  server.prependListener('request', ({ socket }, response) => {
    answering.set(socket, response);
    if (isDraining) response.setHeader('connection', 'close');
    response.once('close', () => {
      if (answering.get(socket) === response) answering.delete(socket);
      if (isDraining) setTimeout(() => closeIfIdle(socket), pauseMs);
    });
  });
  process.on('SIGTERM', drain);

  function drain() {
    if (isDraining) return;
    isDraining = true;
    for (const response of answering.values()) if (!response.headersSent) response.setHeader('connection', 'close');
    setTimeout(() => [...open].forEach(closeIfIdle), pauseMs);
    setTimeout(() => open.forEach((socket) => socket.destroy()), deadlineMs);
    // server.close() of node:http also cuts the idle connections, at once: some have a request on its way.
    NetServer.prototype.close.call(server, async () => {
      await onEnd();
      process.exit(0);
    });
  }

  function closeIfIdle(socket) {
    if (!answering.has(socket)) socket.destroy();
  }
}
