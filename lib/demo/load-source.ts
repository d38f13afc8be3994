/** Requests a second, to each port. */
export const requestsPerSecond = 200;

/**
 * The load: an open loop, so a service that is down is asked as often as one that is up, and every request on a
 * connection of its own; every port is asked as often and at the same moments. Prints a JSON array a line: when the
 * request was sent (ms since the epoch), what was answered (a status, or the error's code), by which build, after how
 * many ms, and on which port; and `{"until": ms}` once nothing sent before that moment is still open.
 */
export const loadSource = `
import { get } from 'node:http';

const [rate, ...ports] = process.argv.slice(2).map(Number);
const now = () => performance.timeOrigin + performance.now();
const began = now();
const open = new Set();
let sent = 0;
let lines = '';

function ask(port) {
  const asked = { at: now() };
  const over = (answer, build = null) => {
    if (open.delete(asked)) lines += JSON.stringify([asked.at, answer, build, now() - asked.at, port]) + '\\n';
  };
  open.add(asked);
  const request = get({ port, host: '127.0.0.1', agent: false, timeout: 5000 }, (response) => {
    response.resume();
    response.on('error', (error) => over(error.code));
    response.on('end', () => over(response.statusCode, response.headers['x-build']));
  });
  request.on('timeout', () => request.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
  request.on('error', (error) => over(error.code));
}

setInterval(() => {
  for (const due = ((now() - began) / 1000) * rate; sent < due; sent += 1) ports.forEach(ask);
}, 2);
setInterval(() => {
  const [oldest = { at: now() }] = open;
  process.stdout.write(lines + JSON.stringify({ until: oldest.at }) + '\\n');
  lines = '';
}, 20);
`;
