import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { openController } from '../../../lib/base/wait.ts';
import type { PageModel } from '../../../lib/report/page/model.ts';
import { openLogin } from '../../../lib/triggers/page/login.ts';
import type { Watching } from '../../../lib/triggers/page/watching.ts';
import { routesFor } from '../../../lib/triggers/page.ts';
import { type Faults, noteFaults } from '../../../lib/triggers/serve/faults.ts';
import { listen } from '../../../lib/triggers/serve/listen.ts';
import { serveLog } from '../../../lib/triggers/serve/log.ts';
import { frame } from '../../../lib/triggers/serve/routes.ts';
import { until } from '../../deploy/site.ts';
import { suite, type TestContext } from '../../suite.ts';
import { ask } from './asked.ts';
import { modelWith, targetWith } from './samples.ts';
import { fixedWatching } from './shown.ts';

const test = suite('what is cut off at the page');

const token = '4f1d2a77c0b94e5f9d3c8b6a';

interface Framed {
  port: number;
  /** what was logged */
  lines: string[];
  faults: Faults;
}

/** The page as the receiver has it, with its log and what notes its mistakes. */
async function framed(t: TestContext, watching: Watching, signal: AbortSignal): Promise<Framed> {
  const lines: string[] = [];
  const log = serveLog((line) => void lines.push(line), true);
  const faults = noteFaults(log);
  const app = frame({ log, faults });
  app.route('/', routesFor({ watching, login: openLogin(token), signal }));
  const { port, close } = await listen(app, { address: '127.0.0.1:0', env: {} });
  t.cleanup(() => close(100));
  return { port: port ?? 0, lines, faults };
}

test('W1: a login whose client goes away in the middle of it is no mistake of the receiver', async (t) => {
  const watching = fixedWatching(modelWith([targetWith()]));
  const { port, lines, faults } = await framed(t, watching, openController().signal);
  const socket = connect(port, '127.0.0.1', () => {
    socket.write('POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntoken=');
    socket.end();
  });
  socket.on('error', () => {});
  t.cleanup(() => socket.destroy());
  await until('it is answered', async () => lines.some((line) => line.includes('POST /login')), 45_000);
  assert.is(faults.problem(), null);
  assert.match(lines.join('\n'), 'POST /login 400');
});

test('R6: who loads the page while the configuration changes is asked to come again', async (t) => {
  const looking = openController();
  let asked = 0;
  // As what looks at a target does when it is ended.
  const now = (): Promise<PageModel> =>
    new Promise((_resolve, reject) => {
      asked += 1;
      looking.signal.addEventListener('abort', () => reject(looking.signal.reason as Error), { once: true });
    });
  const watching = { ...fixedWatching(modelWith([targetWith()])), now };
  const { port, faults } = await framed(t, watching, looking.signal);
  const headers = { authorization: `Bearer ${token}` };
  const answers = Promise.all(['/', '/state'].map((path) => ask(`http://127.0.0.1:${port}${path}`, { headers })));
  await until('both are being answered', async () => asked === 2, 45_000);
  looking.abort();
  for (const answer of await answers) {
    assert.equal([answer.status, JSON.parse(answer.text).error.code], [503, 'unavailable']);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
  }
  assert.is(faults.problem(), null);
});

test('R6: a look that goes wrong by itself is a mistake, and noted', async (t) => {
  const watching = {
    ...fixedWatching(modelWith([targetWith()])),
    now: () => Promise.reject(new Error('went wrong here')),
  };
  const { port, faults } = await framed(t, watching, openController().signal);
  const { status } = await ask(`http://127.0.0.1:${port}/state`, { headers: { authorization: `Bearer ${token}` } });
  assert.is(status, 500);
  assert.match(faults.problem() ?? '', 'went wrong here');
});
