// Asks a port all the time, each time by a new connection, whether or not the ones before were answered. It prints `ready` once
// the first is over, and at SIGTERM how many there were, what became of those that failed, and when they were asked.
import { request } from 'node:http';

const [port, rate] = process.argv.slice(2).map(Number);
const failed = [];
const failedAt = [];
let [sent, open, longestMs] = [0, 0, 0];
let isReady = false;
let isOver = false;

function ask() {
  const [began, at] = [performance.now(), Number(process.hrtime.bigint()) / 1e6];
  sent += 1;
  open += 1;
  const done = (problem) => {
    open -= 1;
    longestMs = Math.max(longestMs, performance.now() - began);
    if (!isReady) process.stdout.write('ready\n');
    isReady = true;
    if (problem) {
      failed.push(problem);
      failedAt.push(at);
    }
    if (isOver && open === 0) tell();
  };
  const asked = request({ port, host: '127.0.0.1', path: '/', agent: false, timeout: 20_000 }, (response) => {
    response.resume();
    response.on('end', () => done(response.statusCode === 200 ? null : `status ${response.statusCode}`));
    response.on('error', (error) => done(error.code ?? error.message));
  });
  asked.on('timeout', () => asked.destroy(new Error('no answer in 20 s')));
  asked.on('error', (error) => done(error.code ?? error.message));
  asked.end();
}

function tell() {
  process.stdout.write(JSON.stringify({ sent, failed, failedAt, longestMs: Math.round(longestMs) }));
  process.exit(0);
}

const timer = setInterval(ask, 1000 / rate);
process.on('SIGTERM', () => {
  isOver = true;
  clearInterval(timer);
  if (open === 0) tell();
});
