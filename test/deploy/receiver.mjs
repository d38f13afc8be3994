// Plays the APIs of all channels on one port, and writes each request into a file, a line each.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);

createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    appendFileSync(file, `${JSON.stringify({ path: request.url, headers: request.headers, body })}\n`);
    if (request.url.includes('silent')) return;
    const isRefused = request.url.includes('refused');
    response.writeHead(isRefused ? 401 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isRefused ? { ok: false, description: `Unauthorized: ${request.url}` } : { ok: true }));
  });
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
