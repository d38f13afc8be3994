// A program that knows nothing of sockets, signals or deploys: it opens a port of its own, and dies where it stands.
import { createServer } from 'node:http';
import { basename } from 'node:path';

const build = basename(process.cwd());

createServer((request, response) => {
  if (request.url === '/api/health') response.end(JSON.stringify({ status: 'healthy', build }));
  else setTimeout(() => response.end(`${build}\n`), 20);
}).listen(9001, '127.0.0.1');
