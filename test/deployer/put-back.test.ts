import { mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openController } from '../../lib/base/wait.ts';
import { putBackAtBoot } from '../../lib/deployer/settle.ts';
import type { LedgerEntry } from '../../lib/run/ledger.ts';
import { makeDirectory } from '../builds/directory.ts';
import { inputsOf, makeState, markInFlight, newer, newest, older, openTestLedger } from '../run/samples.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('deployer/put back at boot');
const run = '20260203-151120-4f2a';
const backup: LedgerEntry = { type: 'step', name: 'backup', state: 'intended', isLook: true };
const stop: LedgerEntry = { type: 'step', name: 'stop', state: 'intended' };

/** What a power cut left of a run that was to go back to another build than the one that `current` names. */
async function leftBy(t: TestContext, ...steps: LedgerEntry[]) {
  const [paths, builds] = [await makeState(t), await makeDirectory(t)];
  for (const build of [older, newer, newest]) await mkdir(join(builds, build));
  await symlink(newer, join(builds, 'current'));
  await mkdir(paths.directory, { recursive: true });
  const ledger = await openTestLedger(t, paths, run);
  const target = { ...inputsOf(run).target, builds };
  await ledger.write({ type: 'begin', inputs: inputsOf(run, { target, from: newer, to: newest, back: older }) });
  for (const step of steps) await ledger.write(step);
  await markInFlight(paths, run);
  const mark = JSON.parse(await readFile(paths.inFlight, 'utf8'));
  await writeFile(paths.inFlight, JSON.stringify({ ...mark, boot_id: '00000000-0000-0000-0000-000000000000' }));
  return {
    current: () => readlink(join(builds, 'current')),
    putBack: () => putBackAtBoot(paths, openController().signal),
  };
}

test('S8: a run that had changed something has its link put back before the unit starts', async (t) => {
  const { current, putBack } = await leftBy(t, backup, stop);
  assert.is(await putBack(), older);
  assert.is(await current(), older);
});

test('S8: a run that had only made its backup has changed nothing, and neither does the boot', async (t) => {
  const { current, putBack } = await leftBy(t, backup);
  assert.is(await putBack(), null);
  assert.is(await current(), newer);
});
