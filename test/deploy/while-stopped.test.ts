import * as assert from 'uvu/assert';
import { stopUnit } from '../../lib/deploy/start.ts';
import { whileStopped } from '../../lib/deploy/while-stopped.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { inputsOf } from '../run/samples.ts';
import { suite } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';

const test = suite('deploy/while-stopped');
const { target } = inputsOf('20260203-151120-4f2a');
const socket = 'shop.socket';

test('a unit that does not stop: its socket is opened again', async () => {
  const opened: string[] = [];
  const systemd = systemdWith({
    stop: (unit) => (unit === socket ? Promise.resolve('done') : failing('it does not stop')),
    start: (unit) => Promise.resolve(`${opened.push(unit)}`),
  });
  const error = await errorOf(whileStopped(target, { systemd, isStarted: true }, () => failing('not to be done')));
  assert.is(error.message, 'it does not stop');
  assert.equal(opened, [socket]);
});

test('what a stop leaves of the unit is ended before the work', async () => {
  const done: string[] = [];
  let left = [7];
  const systemd = systemdWith({
    stop: async () => 'done',
    processes: async () => left,
    kill: async (unit) => {
      done.push(`kill ${unit}`);
      left = [];
    },
  });
  await whileStopped(target, { systemd, isStarted: false }, async () => void done.push('work'));
  assert.equal(done, [`kill ${target.unit}`, 'work']);
});

test('B2: what runs because another hand has started the unit meanwhile is no leftover: it is not killed, and nothing is done', async () => {
  const done: string[] = [];
  const systemd = systemdWith({
    stop: async () => 'done',
    processes: async () => [7],
    property: async (unit) => (unit === target.unit ? 'active' : 'inactive'),
    kill: async (unit) => void done.push(`kill ${unit}`),
  });
  const error = await errorOf(whileStopped(target, { systemd, isStarted: false }, async () => void done.push('work')));
  assert.match(error.message, `${target.unit} was started by another hand`);
  assert.equal(done, []);
});

test('B2: a unit that another hand starts after all of it has ended: nothing is done to the data', async () => {
  const done: string[] = [];
  let [left, state] = [[7], 'inactive'];
  const systemd = systemdWith({
    stop: async () => 'done',
    processes: async () => left,
    property: async () => state,
    kill: async () => {
      [left, state] = [[], 'activating'];
    },
  });
  const error = await errorOf(whileStopped(target, { systemd, isStarted: false }, async () => void done.push('work')));
  assert.match(error.message, `${target.unit} was started by another hand`);
  assert.equal(done, []);
});

test('S1: a socket that cannot be opened after the work is told of, although the service runs', async () => {
  const systemd = systemdWith({
    stop: async () => 'done',
    start: async (unit) => (unit === socket ? 'failed' : 'done'),
  });
  const error = await errorOf(whileStopped(target, { systemd, isStarted: true }, async () => {}));
  assert.is(error.message, `${socket} cannot be opened: systemctl status ${socket}`);
});

test('what the work failed with is told, although the service does not start after it either', async () => {
  const systemd = systemdWith({ stop: () => Promise.resolve('done'), start: () => failing('it does not start') });
  const error = await errorOf(whileStopped(target, { systemd, isStarted: true }, () => failing('the disk is full')));
  assert.equal([error.message, (error.cause as Error).message], ['the disk is full', 'it does not start']);
});

for (const [state, result, problem] of [
  ['active', 'canceled', 'the stop job of shop.service ended as canceled'],
  ['reloading', 'canceled', 'the stop job of shop.service ended as canceled'],
  ['inactive', 'canceled', null],
  ['active', 'done', null],
] as const) {
  test(`a stop job that ended as ${result}, and then the unit is ${state}`, async () => {
    const systemd = systemdWith({ stop: () => Promise.resolve(result), property: () => Promise.resolve(state) });
    if (problem !== null) assert.is((await errorOf(stopUnit(systemd, target))).message, problem);
    else assert.equal(await stopUnit(systemd, target), { killed: false });
  });
}

/** A service that runs behind a socket. */
function systemdWith(calls: Partial<Systemd>): Systemd {
  const down = { processes: async () => [], property: async () => 'inactive' };
  return { facts: runningBehindSocket, ...down, ...calls } as Systemd;
}

function runningBehindSocket(unit: string): ReturnType<Systemd['facts']> {
  return Promise.resolve(factsWith({ unit, triggeredBy: [socket] }));
}

function failing(message: string): Promise<never> {
  return Promise.reject(new Error(message));
}

async function errorOf(doing: Promise<unknown>): Promise<Error> {
  return doing.then(
    () => new Error('it went well'),
    (error: Error) => error,
  );
}
