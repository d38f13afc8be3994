import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import type { Bus, BusSignal } from '../../lib/systemd/bus.ts';
import { runJob } from '../../lib/systemd/jobs.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/jobs');
const ours = '/org/freedesktop/systemd1/job/7';
const other = '/org/freedesktop/systemd1/job/8';
const asked = { member: 'StartUnit', unit: 'app.service', signature: 'ss', body: ['app.service', 'replace'] };
const timeoutMs = 10_000;

/** A bus that answers the one call as it is told, and sends what signals it is told. */
function makeBus(answer: (signal: (member: string, job: string, result: string) => void) => Promise<unknown[]>) {
  const lost = openController();
  const listeners = new Set<(signal: BusSignal) => void>();
  const send = (member: string, job: string, result: string): void => {
    const body = [7, job, 'app.service', result];
    for (const listener of listeners) listener({ path: '', interface: '', member, body });
  };
  const bus: Bus = {
    kind: 'system',
    lost: lost.signal,
    call: () => answer(send),
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    addMatch: async () => {},
    removeMatch: () => {},
    close: () => {},
  };
  return { bus, send, lost, listeners };
}

test('S2: the result counts that comes before the reply which names the job', async () => {
  const { bus, listeners } = makeBus(async (send) => {
    send('JobRemoved', other, 'failed');
    send('JobRemoved', ours, 'done');
    return [ours];
  });
  assert.is(await runJob(bus, asked, { timeoutMs }), 'done');
  assert.is(listeners.size, 0);
});

test("S2: the result counts that comes after the reply, and nobody else's", async () => {
  const { bus, send } = makeBus(async () => [ours]);
  const result = runJob(bus, asked, { timeoutMs });
  await turn();
  send('JobNew', ours, 'no result');
  send('JobRemoved', other, 'done');
  send('JobRemoved', ours, 'canceled');
  assert.is(await result, 'canceled');
});

test('S12: a job that does not end is told of with what to type', async () => {
  const { bus, listeners } = makeBus(async () => [ours]);
  const error = await rejection(runJob(bus, { ...asked, member: 'StopUnit' }, { timeoutMs: 20 }));
  assert.equal([error.code, error.message], ['timeout', 'StopUnit of app.service did not end within 0.02 s']);
  assert.match(error.mend ?? '', 'systemctl list-jobs');
  assert.is(listeners.size, 0);
});

test('S12: a job that systemd never confirmed is no job that took too long', async () => {
  const { bus, listeners } = makeBus(() => new Promise(() => {}));
  const error = await rejection(runJob(bus, { ...asked, member: 'StopUnit' }, { timeoutMs: 20 }));
  assert.equal([error.code, listeners.size], ['bus_lost', 0]);
});

test('S12: a job leaves nothing on a bus that lasts for weeks', async () => {
  const { bus, send, lost } = makeBus(async () => [ours]);
  const result = runJob(bus, asked, { timeoutMs });
  await turn();
  send('JobRemoved', ours, 'done');
  assert.is(await result, 'done');
  assert.equal(getEventListeners(lost.signal, 'abort'), []);
});

test('S8: a bus that goes away ends the wait, and so does the person', async () => {
  const gone = new CutoverError('bus_lost', 'gone');
  const { bus, lost, listeners } = makeBus(async () => [ours]);
  const first = runJob(bus, asked, { timeoutMs });
  await turn();
  lost.abort(gone);
  assert.is(await rejection(first), gone);
  const interrupted = new CutoverError('interrupted', 'interrupted by SIGINT');
  const controller = openController();
  const second = runJob(makeBus(async () => [ours]).bus, asked, { timeoutMs, signal: controller.signal });
  await turn();
  controller.abort(interrupted);
  assert.is(await rejection(second), interrupted);
  assert.is(listeners.size, 0);
});

test('S2: a call that is refused is the answer', async () => {
  const masked = new CutoverError('unit_masked', 'masked');
  const { bus, listeners } = makeBus(() => Promise.reject(masked));
  assert.is(await rejection(runJob(bus, asked, { timeoutMs })), masked);
  assert.is(listeners.size, 0);
});
