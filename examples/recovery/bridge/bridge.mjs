// One program for the three services: it needs what install.sh puts in place, and may need another service.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { NAME = 'bridge', PORT = '9000', NEEDS } = process.env;
const { greeting } = JSON.parse(readFileSync('installed/words.json', 'utf8'));

const server = createServer(async (request, response) => {
  if (request.url !== '/api/health') {
    response.end(`${greeting} from ${NAME}\n`);
    return;
  }
  const isWell = NEEDS === undefined || (await answers(NEEDS));
  response.writeHead(isWell ? 200 : 503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: isWell ? 'healthy' : `${NEEDS} does not answer` }));
});

async function answers(url) {
  return fetch(url, { signal: AbortSignal.timeout(3_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`${NAME} listens`));
