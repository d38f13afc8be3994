// needs: sandbox
// deadline: 8min
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { type Answer, receivingSite } from './receiving.ts';

const test = suite('triggers/serve/kills', { timeoutMs: 400_000 });
const rounds = 8;
/** From before a request reaches the receiver until its run is over. */
const mostMs = 1_200;

test('W1: killed at any moment it loses no request that it accepted, and carries none out twice', async (t) => {
  const receiving = await receivingSite(t, { builds: [{}, {}] });
  const { site } = receiving;
  const accepted = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    const delivery = { 'X-Delivery': `round ${round}` };
    const killMs = Math.random() * mostMs;
    // The connection may be cut before the answer: then whoever sent it knows nothing.
    const sending = receiving.push({ revision: String(round) }, delivery).catch((): Answer | null => null);
    await sleep(killMs);
    await receiving.kill('SIGKILL');
    const answer = await sending;
    await receiving.start();
    const again = await receiving.push({ revision: String(round) }, delivery);
    const what = `killed after ${killMs.toFixed(0)} ms: ${JSON.stringify([answer?.body, again.body])}`;
    assert.is(again.status, 202, what);
    if (answer) assert.equal(again.body, { ...answer.body, status: again.body.status, replayed: true }, what);
    accepted.set(again.body.id, what);
  }
  for (const [id, what] of accepted) {
    const { state, exit_code, error } = await receiving.ended(id);
    const isOver = state === 'superseded' ? exit_code === null : exit_code === 0;
    assert.ok(isOver && error === null, `${what}: ${state} ${exit_code} ${JSON.stringify(error)}`);
  }
  const { runs } = (await site.call<{ runs: { outcome: string }[] }>('history')).document;
  // The first by hand, and the newest build once: all others found it in service.
  assert.equal(
    runs.map(({ outcome }) => outcome),
    ['deployed', 'deployed'],
  );
});
