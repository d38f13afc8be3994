// Asks a service on and on who it is, and tells each change of the answer with its time; `-` is no good answer.
import { get } from 'node:http';

const [port] = process.argv.slice(2);
let last = '';
ask();

function ask() {
  const request = get({ host: '127.0.0.1', port, path: '/api/health', agent: false, timeout: 300 }, (response) => {
    let text = '';
    response.on('data', (chunk) => (text += chunk));
    response.on('end', () => tell(buildOf(response.statusCode, text)));
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => tell('-'));
  request.on('close', () => setTimeout(ask, 5));
}

function tell(build) {
  if (build !== last) console.log(`${Date.now()} ${build}`);
  last = build;
}

function buildOf(status, text) {
  try {
    const answer = JSON.parse(text);
    return status === 200 && answer.status === 'healthy' ? answer.build : '-';
  } catch {
    return '-';
  }
}
