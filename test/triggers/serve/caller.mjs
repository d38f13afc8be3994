// Makes HTTP requests and prints the answers: the sandbox has a network of its own.
import { text } from 'node:stream/consumers';

const { port, calls } = JSON.parse(await text(process.stdin));
const answers = await Promise.all(
  calls.map(async ({ method = 'GET', path, headers = {}, body }) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body });
    const content = await response.text();
    let parsed = content;
    try {
      parsed = JSON.parse(content);
    } catch {}
    return { status: response.status, headers: Object.fromEntries(response.headers), body: parsed };
  }),
);
process.stdout.write(JSON.stringify(answers));
