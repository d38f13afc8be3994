/**
 * The demo's service, as it lies in every build: only `build.json` differs. It answers with its build's letter and
 * lets go of the port at SIGTERM, and is over when all that it accepted is answered. It opens the port itself, or takes it
 * from systemd (sd_listen_fds(3)).
 */
export const serviceSource = `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { letter, fault, startMs } = JSON.parse(readFileSync('build.json', 'utf8'));
const { PORT, LISTEN_FDS } = process.env;
if (startMs) setTimeout(begin, startMs - performance.now());
else begin();

function begin() {
  if (fault === 'crashes') throw new Error('cannot read the settings');
  const server = createServer((request, response) => {
    response.writeHead(fault === 'unhealthy' ? 500 : 200, { 'x-build': letter, connection: 'close' });
    response.end('build ' + letter + '\\n');
  });
  process.on('SIGTERM', () => server.close());
  server.listen(LISTEN_FDS === '1' ? { fd: 3 } : { port: Number(PORT), host: '127.0.0.1' }, 4096);
}
`;

/**
 * Somebody else's process: it wants the same port, gets it in the moment in which nobody has it, and answers 200 to
 * everything, so that a health check by status alone would be content.
 */
export const strangerSource = `
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, letter, readyFile] = process.argv.slice(2);
const server = createServer((request, response) => {
  response.writeHead(200, { 'x-build': letter, connection: 'close' });
  response.end('not the service that you expect\\n');
});
const take = () => server.listen(Number(port), '127.0.0.1');
server.on('error', () => setTimeout(take, 1));
take();
writeFileSync(readyFile, String(process.pid));
`;
