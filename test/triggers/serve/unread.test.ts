import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../../lib/base/errors.ts';
import { openController } from '../../../lib/base/wait.ts';
import { directConfig } from '../../../lib/config/direct.ts';
import type { TargetConfig } from '../../../lib/config/model.ts';
import { pathsOf } from '../../../lib/deployer/place.ts';
import { openLedger } from '../../../lib/run/ledger.ts';
import { noteFaults } from '../../../lib/triggers/serve/faults.ts';
import { listen } from '../../../lib/triggers/serve/listen.ts';
import { serveLog } from '../../../lib/triggers/serve/log.ts';
import { openQueue, type Queue } from '../../../lib/triggers/serve/queue.ts';
import { writeRecord } from '../../../lib/triggers/serve/record.ts';
import { frame } from '../../../lib/triggers/serve/routes.ts';
import { addRuns } from '../../../lib/triggers/serve/runs.ts';
import { openStore } from '../../../lib/triggers/serve/store.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { documentWith, inputsOf } from '../../run/samples.ts';
import { suite, type TestContext } from '../../suite.ts';
import { sendTo } from './at-hand.ts';

const test = suite('triggers/serve/unread');
const run = '20260203-161120-0001';

test('W1: of a run on a file system that hangs nothing is read: the request is told as the queue knows it', async (t) => {
  const { ask, queue, paths, disk } = await runsAt(t);
  const asked = { target: 'production', provider: 'plain' as const, keys: [], branch: 'main', revision: null };
  const { id } = (await queue.add(asked)).request;
  const nothing = { stage: 'test', ended_at: null, exit_code: null, document: null, error: null };
  await writeRecord(paths, { id, started_at: new Date().toISOString(), run, ...nothing });
  const told = async (path: string): Promise<unknown[]> => {
    const { status, json } = await ask(path);
    return [status, json.state, json.run, json.step];
  };
  await until('it is carried out', async () => queue.find(id)?.state === 'running');
  assert.equal(await told(id), [200, 'running', run, 'test']);
  assert.equal(await told(run), [200, 'done', run, null]);
  disk.isHung = true;
  assert.equal(await told(id), [200, 'running', null, null]);
  const { status, headers, json } = await ask(run);
  assert.equal([status, headers['retry-after'], json.error.code], [503, '30', 'unavailable']);
  assert.is((await ask('x')).status, 404);
});

/** `GET /runs/<id>` over a ledger of that run, and a queue whose requests never end. */
async function runsAt(t: TestContext) {
  const directory = await makeDirectory(t);
  const direct = directConfig({ unit: 'x.service', builds: directory, ports: [1], manager: 'system' });
  const target = { ...(Object.values(direct.targets)[0] as TargetConfig), name: 'production' };
  const config = { ...direct, state: join(directory, 'state'), targets: { production: target } };
  const paths = pathsOf(config, target);
  const ledger = await openLedger(paths, run);
  const inputs = inputsOf(run);
  await ledger.write({ type: 'begin', inputs });
  await ledger.write({ type: 'outcome', document: documentWith({}, inputs) });
  await ledger.close();
  const disk = { isHung: false };
  const verifyAnswer = async (where: string): Promise<void> => {
    if (disk.isHung) throw new CutoverError('timeout', `the file system of ${where} did not answer`);
  };
  const queue = await queueIn(t, join(directory, 'queue'));
  const log = serveLog(() => {}, true);
  const app = frame({ log, faults: noteFaults(log) });
  addRuns(app, { config, queue, disks: { verifyAnswer } });
  const { port, close } = await listen(app, { address: '127.0.0.1:0', env: {} });
  t.cleanup(() => close(100));
  const ask = (id: string) => sendTo(port ?? 0, { method: 'GET', path: `/runs/${id}` });
  return { ask, queue, paths, disk };
}

async function queueIn(t: TestContext, directory: string): Promise<Queue> {
  const ended = openController();
  const launch = () =>
    new Promise<never>((_, reject) => ended.signal.addEventListener('abort', () => reject(ended.signal.reason)));
  const quiet = { tell: () => {}, onNothing: () => {} };
  const queue = openQueue({ store: await openStore(directory), launch, signal: ended.signal, ...quiet });
  t.cleanup(async () => {
    ended.abort(new Error('the end'));
    await queue.ended();
  });
  return queue;
}
