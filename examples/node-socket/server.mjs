// A web server that can be replaced while clients talk to it. Its port comes from systemd.
import { createServer } from 'node:http';
import { basename } from 'node:path';
import { drainOnSigterm } from './drain.mjs';

// The directory that the process was started in, not where `current` points by now.
const build = basename(process.cwd());

const server = createServer((request, response) => {
  if (request.url === '/api/health') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ status: 'healthy', build }));
    return;
  }
  response.end(`${build}\n`);
});

drainOnSigterm(server, { pauseMs: Number(process.env.DRAIN_PAUSE_MS ?? 200) });
// Node calls listen(2) on a socket that is handed over once more: without a number the queue of waiting clients would shrink
// to 511. Beside `fd` it has to be an argument of its own; as an option Node passes it over.
server.listen(addressFor(process.env), 4096, () => console.log(`${build} listens`));

/** The socket that systemd hands over (sd_listen_fds(3)); by hand, without systemd, a port. */
function addressFor({ LISTEN_FDS, LISTEN_PID, PORT = '9000' }) {
  const isHandedOver = LISTEN_FDS === '1' && Number(LISTEN_PID) === process.pid;
  return isHandedOver ? { fd: 3 } : { port: Number(PORT), host: '127.0.0.1' };
}
