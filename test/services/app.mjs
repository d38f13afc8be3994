// The service that tests, demo and bench deploy: one file, so that a build is this file and its behaviour.json.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { Server as NetServer } from 'node:net';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Long enough for clients with an open connection to send once more and learn that it closes. */
const idlePauseMs = Number(process.env.IDLE_PAUSE_MS ?? 100);
/**
 * Node calls listen(2) again on an inherited descriptor, and the queue would shrink to 511. With `fd` it passes over the
 * option `backlog` and takes the second argument alone.
 */
const queue = 4096;
const modes = {
  good: {},
  crash: { beforeListen: () => process.exit(1) },
  exit0: { beforeListen: () => process.exit(0) },
  crash_later: { afterListen: () => setTimeout(() => process.exit(1), behaviour.afterMs ?? 300) },
  never_listen: { beforeListen: stayAsItIs },
  hang: { answer: () => {} },
  status: { answer: (_, response) => send(response, behaviour.status ?? 500, { status: 'broken' }) },
  wrong_body: { health: { status: 'unhealthy' } },
  ignore_sigterm: { onTerm: () => {} },
  eat_memory: { afterListen: eatMemory },
  log_errors: { afterListen: logErrors },
  fork_away: { beforeListen: forkAway },
  slow_start: { startMs: 2000 },
  held: { beforeListen: waitForGo },
  flaky: { isWell: () => (asked += 1) % (behaviour.every ?? 3) !== 0 },
  sicken: { isWell: () => performance.now() - beganAt < (behaviour.afterMs ?? 300) },
};

const behaviour = readBehaviour();
const mode = modes[behaviour.mode ?? 'good'];
if (!mode) {
  console.error(`behaviour.json: there is no mode ${behaviour.mode}`);
  process.exit(64);
}
const build = basename(realpathSync.native(process.cwd()));
const busy = new Set();
const open = new Set();
const kept = [];
let isDraining = false;
let asked = 0;
let beganAt = 0;

process.on('SIGTERM', mode.onTerm ?? drain);
process.on('SIGINT', drain);
setTimeout(begin, behaviour.startMs ?? mode.startMs ?? 0);

function begin() {
  if (isDraining || mode.beforeListen?.() === 'stop here') return;
  if (behaviour.socket) listenOnPath(behaviour.socket);
  server.listen(whereToListen(), queue);
}

const server = createServer(serve);
const servers = [server];
server.keepAliveTimeout = 60_000;
server.on('connection', keep);
server.on('error', (error) => {
  console.error(`<3>cannot listen: ${error.message}`);
  process.exit(1);
});
server.on('listening', () => {
  const { port } = server.address();
  beganAt = performance.now();
  console.log(`${build} listens on ${port}, pid ${process.pid}`);
  process.send?.('listening');
  if (process.connected) process.disconnect();
  mode.afterListen?.();
});

function serve(request, response) {
  if (mode.answer) {
    mode.answer(request, response);
    return;
  }
  busy.add(request.socket);
  response.on('close', () => {
    busy.delete(request.socket);
    if (isDraining) request.socket.end();
  });
  answer(request, response);
}

function keep(socket) {
  open.add(socket);
  socket.on('close', () => {
    open.delete(socket);
    endIfEmpty();
  });
}

/** Answers as a well service does. */
function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://app');
  const own = behaviour.answers?.[pathname];
  if (own) return answerOwn(own, request, response);
  if (pathname === '/') return send(response, 200, build);
  if (pathname === '/slow') return setTimeout(() => send(response, 200, build), Number(searchParams.get('ms') ?? 1000));
  if (pathname !== '/api/health') return send(response, 404, 'not found');
  if (mode.isWell && !mode.isWell()) return send(response, 503, { status: 'unwell' });
  const services = { redis: { status: 'connected' } };
  send(response, 200, { status: 'healthy', build, pid: process.pid, services, ...mode.health });
}

function answerOwn({ status = 200, body = build, wants = {} }, { headers }, response) {
  const lacks = Object.entries(wants).some(([name, value]) => headers[name] !== value);
  send(response, lacks ? 401 : status, lacks ? 'who is asking?' : body);
}

function send(response, status, body) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain' : 'application/json';
  if (isDraining) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}

/** Listens no more, lets every request end, and leaves when the last connection is gone. */
function drain() {
  if (isDraining) process.exit(0);
  isDraining = true;
  // The HTTP server's own close() would cut idle connections at once, some with a request on its way.
  for (const one of servers) if (one.listening) NetServer.prototype.close.call(one);
  if (open.size === 0) process.exit(0);
  setTimeout(() => {
    for (const socket of open) if (!busy.has(socket)) socket.destroy();
  }, idlePauseMs);
}

function endIfEmpty() {
  if (isDraining && open.size === 0) process.exit(0);
}

/** A socket that systemd handed over (sd_listen_fds(3)), or the port of our own. */
function whereToListen() {
  const { LISTEN_FDS, LISTEN_PID, PORT = '9000', HOST } = process.env;
  const isForUs = LISTEN_FDS === '1' && (LISTEN_PID === undefined || Number(LISTEN_PID) === process.pid);
  return isForUs ? { fd: 3 } : { port: Number(PORT), host: HOST };
}

/** A Unix socket beside the port; what an older process left at the path would be in the way. */
function listenOnPath(path) {
  rmSync(path, { force: true });
  servers.push(createServer(serve).on('connection', keep).listen(path));
}

function eatMemory() {
  for (let left = behaviour.megabytes ?? 256; left > 0; left -= 16) {
    kept.push(Buffer.alloc(Math.min(left, 16) * 1024 * 1024, 1));
  }
}

function logErrors() {
  for (let line = 1; line <= (behaviour.lines ?? 3); line += 1) {
    console.error(`<3>error ${line}: ${behaviour.message ?? 'the database does not answer'}`);
    console.log(`<3>error ${line} again, on the other stream`);
  }
}

function stayAsItIs() {
  setInterval(() => {}, 60_000);
  console.error('it is up, and opens no port');
  return 'stop here';
}

/** It goes on once a file `go` lies beside it: as late as somebody wants, on a busy machine too. */
function waitForGo() {
  if (existsSync('go')) return 'go on';
  setTimeout(begin, 20);
  return 'stop here';
}

/** What a daemon of the old kind does: the child serves, the parent says that all is well. */
function forkAway() {
  if (process.env.FORKED_AWAY) return 'go on';
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // A socket of systemd's is not handed on.
    env: { ...process.env, FORKED_AWAY: '1', LISTEN_FDS: '' },
  });
  child.on('message', () => {
    if (behaviour.afterMs !== null) setTimeout(() => process.exit(0), behaviour.afterMs ?? 0);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
  return 'stop here';
}

function readBehaviour() {
  try {
    return JSON.parse(readFileSync('behaviour.json', 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}
