// The service that is deployed: ready a while after its exec, with the drain of the Node example. A build is this file,
// drain.mjs and its build.json. It writes down when it was started, listened, was told to stop and ended.
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename } from 'node:path';
import { drainOnSigterm } from './drain.mjs';

/** When it is to be ready after its exec, and whether it is good, crashes then, answers 500, or dies soon after it listens. */
const { readyMs, slowMs, diesAfterMs, mode } = JSON.parse(readFileSync('build.json', 'utf8'));
const { LIFE_FILE, PORT, LISTEN_FDS, LISTEN_PID, DRAIN_PAUSE_MS } = process.env;
const build = basename(process.cwd());

function note(event, at = performance.timeOrigin + performance.now()) {
  appendFileSync(LIFE_FILE, `${JSON.stringify({ event, pid: process.pid, at })}\n`);
}

note('exec', performance.timeOrigin);
process.on('SIGTERM', () => note('sigterm'));
process.on('SIGTERM', endAtOnce);
setTimeout(begin, Math.max(0, readyMs - performance.now()));

function begin() {
  if (mode === 'crash') process.exit(1);
  process.off('SIGTERM', endAtOnce);
  const server = createServer((request, response) => {
    if (request.url === '/slow') setTimeout(answer, slowMs, response);
    else answer(response);
  });
  drainOnSigterm(server, { pauseMs: Number(DRAIN_PAUSE_MS), onEnd: async () => note('exit') });
  const isHandedOver = LISTEN_FDS === '1' && Number(LISTEN_PID) === process.pid;
  server.listen(isHandedOver ? { fd: 3 } : { port: Number(PORT), host: '127.0.0.1' }, 4096, () => {
    note('listening');
    if (mode === 'dies') setTimeout(() => process.exit(1), diesAfterMs);
  });
}

/** Told to stop before it serves, as a program without a handler of its own. */
function endAtOnce() {
  note('exit');
  process.exit(0);
}

function answer(response) {
  response.writeHead(mode === 'sick' ? 500 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ build }));
}
