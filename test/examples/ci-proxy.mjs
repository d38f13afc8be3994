// A proxy in front of the receiver, on whose way back the answer to the first POST is lost: the receiver has taken the
// request, and who sent it does not know.
import { createServer, request } from 'node:http';

const [port, receiver] = process.argv.slice(2).map(Number);
let isLost = false;

createServer((asked, answer) => {
  const { method, url: path, headers } = asked;
  const passedOn = request({ port: receiver, host: '127.0.0.1', method, path, headers }, (answered) => {
    if (method === 'POST' && !isLost) {
      isLost = true;
      answered.resume().on('end', () => answer.destroy());
      return;
    }
    answer.writeHead(answered.statusCode, answered.headers);
    answered.pipe(answer);
  });
  passedOn.on('error', () => answer.writeHead(502).end());
  asked.pipe(passedOn);
}).listen(port, '127.0.0.1', () => console.log('ready'));
