import * as assert from 'uvu/assert';
import { boundAttempt } from '../../../lib/cli/recover-deadline.ts';
import type { TargetConfig } from '../../../lib/config/model.ts';
import { attemptMs, whereItIs, windDownMs } from '../../../lib/deployer/recover/patience.ts';
import { inputsOf, makeState, markInFlight, openTestLedger } from '../../run/samples.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/recover/patience');
const { target } = inputsOf('20260203-151120-4f2a');
const minute = 60_000;

test('R2: an attempt may take what is configured for its acts', () => {
  const usual = attemptMs(target, { isLast: false });
  assert.ok(usual > 3 * minute && usual < 10 * minute, `${usual}`);
  assert.ok(attemptMs(target, { isLast: true }) > usual);
  const hook = { run: { shell: 'true' }, timeoutMs: 20 * minute, dir: null, user: null, fallback: null };
  const repaired: TargetConfig = { ...target, hooks: { repair: [hook, hook] } };
  assert.is(attemptMs(repaired, { isLast: false }) - usual, 40 * minute);
  const slow = { ...target, startTimeoutMs: target.startTimeoutMs + minute };
  assert.is(windDownMs(slow) - windDownMs(target), minute);
  assert.is(attemptMs(slow, { isLast: false }) - usual, 2 * minute);
});

test('R2: what an attempt is at stands in the ledger', async (t) => {
  const paths = await makeState(t);
  assert.equal(await whereItIs(paths), { words: 'before or after its run', isSettling: false });
  const run = '20260203-151120-4f2a';
  const ledger = await openTestLedger(t, paths, run);
  await ledger.write({ type: 'begin', inputs: inputsOf(run, { kind: 'recovery' }) });
  await markInFlight(paths, run);
  assert.equal(await whereItIs(paths), { words: `before the first step of run ${run}`, isSettling: false });
  await ledger.write({ type: 'step', name: 'end-leftovers', state: 'done' });
  await ledger.write({ type: 'step', name: 'repair', state: 'intended' });
  assert.equal(await whereItIs(paths), { words: `at repair of run ${run}`, isSettling: false });
  const other = await openTestLedger(t, paths, '20260203-151121-0000');
  await other.write({ type: 'begin', inputs: inputsOf('20260203-151121-0000') });
  await markInFlight(paths, '20260203-151121-0000');
  assert.is((await whereItIs(paths)).isSettling, true);
});

/** Resolves with the signals, once the last of them came. */
function signalsUntil(last: string, where: { isSettling: boolean }[]): Promise<string[]> {
  const sent: string[] = [];
  return new Promise((resolve) => {
    const kill = (signal = 'none'): boolean => {
      sent.push(signal);
      if (signal === last) resolve([...sent, bound.told() ?? '']);
      return true;
    };
    const looks = [...where];
    const whereAsked = async () => ({ words: 'at gate', ...(looks.shift() ?? { isSettling: false }) });
    const bound = boundAttempt({ kill }, { attemptMs: 20, windDownMs: 20, whereItIs: whereAsked });
  });
}

test('R2: a late attempt is interrupted, then killed; while it ends another run it is waited for', async () => {
  const told = 'the attempt was interrupted at gate, since it was not over within 20 ms';
  assert.equal(await signalsUntil('SIGKILL', []), ['SIGTERM', 'SIGKILL', told]);
  const began = performance.now();
  const settling = { isSettling: true };
  assert.equal(await signalsUntil('SIGTERM', [settling, settling, settling]), ['SIGTERM', told]);
  assert.ok(performance.now() - began >= 75);
});
