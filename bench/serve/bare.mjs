// The least that can turn a request away: reads it, and answers 401.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.statusCode = 401;
    response.end('{"error":"unauthorized"}');
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listens on 127.0.0.1:${server.address().port}`));
