// The service that is deployed: plain Node HTTP without a SIGTERM handler, as most are. A build is this file and its build.json.
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename } from 'node:path';

/** When the process is to be ready after its exec, and whether it is good, crashes then, or answers 500. */
const { readyMs, port, mode } = JSON.parse(readFileSync('build.json', 'utf8'));
const build = basename(realpathSync.native('.'));

setTimeout(
  () => {
    if (mode === 'crash') crash();
    createServer((_, response) => {
      response.writeHead(mode === 'sick' ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ build }));
    }).listen(port, '127.0.0.1');
  },
  Math.max(0, readyMs - performance.now()),
);

function crash() {
  try {
    // Only the first death counts: the system manager may start it again.
    writeFileSync('/run/bench/failed-at', String(performance.timeOrigin + performance.now()), { flag: 'wx' });
  } catch {}
  process.exit(1);
}
