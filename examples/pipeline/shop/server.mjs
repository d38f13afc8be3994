// The shop: what it sells is in a file of the build, so that a build can be told from another.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const goods = JSON.parse(readFileSync(new URL('goods.json', import.meta.url), 'utf8'));

const server = createServer((request, response) => {
  const answer = request.url === '/api/health' ? { status: 'healthy' } : { goods };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});
server.listen(9000);
process.once('SIGTERM', () => server.close(() => process.exit(0)));
