// Two kinds of clients ask a port until SIGTERM: some open a connection for each request, some keep theirs. Then it
// prints how many requests there were, which builds answered, and what became of those that failed.
// With "retry" they do as browsers do: a request that is cut on a connection used before is sent once more.
import { Agent, request } from 'node:http';

const [port, path, retry] = [Number(process.argv[2]), process.argv[3], process.argv[4]];
const newEveryMs = 20;
const keepers = 8;
const failed = [];
const answers = new Set();
const sent = { new: 0, kept: 0, reused: 0, again: 0 };
let [open, longestMs, isOver] = [0, 0, false];

function ask(kind, agent, then = () => {}) {
  const began = performance.now();
  sent[kind] += 1;
  open += 1;
  let late;
  const done = (problem) => {
    clearTimeout(late);
    open -= 1;
    longestMs = Math.max(longestMs, performance.now() - began);
    if (problem) failed.push(`${kind}: ${problem}`);
    if (isOver && open === 0) tell();
    if (!isOver) then();
  };
  const asked = request({ port, host: '127.0.0.1', path, agent, timeout: 20_000 }, (response) => {
    let text = '';
    if (asked.reusedSocket) sent.reused += 1;
    response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    response.on('end', () => {
      if (answers.size === 0) process.stderr.write('asking\n');
      answers.add(text.trim());
      done(response.statusCode === 200 ? null : `status ${response.statusCode}`);
    });
    response.on('error', (error) => done(error.code ?? error.message));
  });
  // A process that was kept waiting itself sees its timers before the answers that came meanwhile.
  asked.on('timeout', () => {
    const tookMs = Math.round(performance.now() - began);
    late = setTimeout(() => asked.destroy(new Error(`no answer in ${tookMs} ms, told to end: ${isOver}`)), 1000);
  });
  asked.on('error', (error) => {
    const isCut = asked.reusedSocket && error.code === 'ECONNRESET';
    if (!isCut || retry !== 'retry') return done(error.code ?? error.message);
    clearTimeout(late);
    open -= 1;
    sent.again += 1;
    return ask(kind, agent, then);
  });
  asked.end();
}

/** Like a browser or a proxy: one connection, and a short pause between two requests. */
function keepAsking(agent, pauseMs) {
  ask('kept', agent, () => setTimeout(keepAsking, pauseMs, agent, pauseMs));
}

function tell() {
  process.stdout.write(JSON.stringify({ sent, failed, answers: [...answers], longestMs: Math.round(longestMs) }));
  process.exit(0);
}

const timer = setInterval(() => ask('new', false), newEveryMs);
for (let keeper = 1; keeper <= keepers; keeper += 1)
  keepAsking(new Agent({ keepAlive: true, maxSockets: 1 }), 10 * keeper);

process.on('SIGTERM', () => {
  isOver = true;
  clearInterval(timer);
  if (open === 0) tell();
});
