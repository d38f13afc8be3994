import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { commit } from '../../lib/deploy/carry-out.ts';
import type { RunEvent } from '../../lib/run/events.ts';
import { readRun } from '../../lib/run/history.ts';
import { gateFailure, inputsOf, makeState, openTestLedger } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/carry-out');
const run = '20260203-151120-4f2a';

test('S8: the outcome is told and kept, although the mark cannot be taken away', async (t) => {
  const paths = await makeState(t);
  const ledger = await openTestLedger(t, paths, run);
  const inputs = inputsOf(run);
  await ledger.write({ type: 'begin', inputs });
  await mkdir(paths.inFlight);
  const events: RunEvent[] = [];
  const ending = {
    outcome: 'rolled_back',
    exit_code: 4,
    active: inputs.from,
    downtime_ms: 0,
    steps: [],
    checks: [],
  } as const;
  const document = await commit(
    { inputs, ledger, tools: { paths, emit: (event) => void events.push(event) } },
    { ...ending, steps: [], checks: [], longest_wait_ms: null, failure: gateFailure },
  );
  assert.is(document.outcome, 'rolled_back');
  assert.is((await readRun(paths, run))?.document?.outcome, 'rolled_back');
  assert.equal(
    events.map(({ type }) => type),
    ['note'],
  );
  assert.match(JSON.stringify(events), 'the next command cleans up');
});
