// A service that knows nothing of cutover: it listens on its own port, tells how it is, and ends at SIGTERM.
import { createServer } from 'node:http';

const port = Number(process.env.PORT);

const server = createServer((request, response) => {
  const answer = request.url === '/api/health' ? { status: 'healthy' } : { shop: 'open' };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});
server.listen(port, '127.0.0.1');
process.once('SIGTERM', () => server.close(() => process.exit(0)));
