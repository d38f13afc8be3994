// Sends so many requests at once, each with a body of so many bytes, from as many addresses; prints how they were answered.
import { Agent, request } from 'node:http';

const [port, count, bytes] = process.argv.slice(2).map(Number);
const body = Buffer.alloc(bytes, 'x');
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
const answers = {};

await Promise.all(
  Array.from({ length: count }, (_, n) => {
    const headers = { 'X-Forwarded-For': `198.51.${n >> 8}.${n & 255}`, 'Content-Length': bytes };
    return new Promise((resolve) => {
      const end = (answer) => {
        answers[answer] = (answers[answer] ?? 0) + 1;
        resolve();
      };
      const sent = request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/hooks/plain/production',
        headers,
        agent,
      });
      sent.on('response', (response) => {
        response.resume();
        end(response.statusCode);
      });
      sent.on('error', (error) => end(error.code));
      sent.end(body);
    });
  }),
);
process.stdout.write(JSON.stringify(answers));
