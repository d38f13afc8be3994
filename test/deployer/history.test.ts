import * as assert from 'uvu/assert';
import { openController } from '../../lib/base/wait.ts';
import { history } from '../../lib/deployer/history.ts';
import { clearInFlight } from '../../lib/run/in-flight.ts';
import { takeLock } from '../../lib/run/lock.ts';
import { leaveRun, makeState, markInFlight } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('deployer/history');
const [first, second] = ['20260203-100000-0000', '20260203-110000-0000'];

test('S11: a run that is at work is not past, from its first line on and until its mark is gone', async (t) => {
  const paths = await makeState(t);
  const signal = openController().signal;
  const runs = async (): Promise<string[]> => (await history(paths, 20)).map(({ run, outcome }) => `${run} ${outcome}`);
  await leaveRun(paths, first, { outcome: 'deployed' });
  const lock = await takeLock(paths, { doing: 'deploy', waitMs: 0, signal, onWaiting: () => {} });
  t.cleanup(() => lock.release());
  await leaveRun(paths, second, null);
  assert.equal(await runs(), [`${first} deployed`], 'the ledger is begun, the mark is not set');
  await markInFlight(paths, second);
  assert.equal(await runs(), [`${first} deployed`], 'it is marked');
  await leaveRun(paths, second, { outcome: 'deployed' });
  assert.equal(await runs(), [`${second} deployed`, `${first} deployed`], 'its outcome is written');
  await clearInFlight(paths);
  assert.equal(await runs(), [`${second} deployed`, `${first} deployed`]);
});

test('S11: a run that died between its first line and its mark is past, and was interrupted', async (t) => {
  const paths = await makeState(t);
  await leaveRun(paths, second, null);
  assert.equal(
    (await history(paths, 20)).map(({ run, outcome }) => `${run} ${outcome}`),
    [`${second} interrupted`],
  );
});
