import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import { applySteps, interruption, recordAnyway, revertSteps } from '../../lib/run/engine.ts';
import type { RunEvent } from '../../lib/run/events.ts';
import { reasonOf, StepFailure } from '../../lib/run/failure.ts';
import { type Ledger, type LedgerEntry, readLedger } from '../../lib/run/ledger.ts';
import { statePaths } from '../../lib/run/state.ts';
import type { Step } from '../../lib/run/step.ts';
import { makeTmpfs } from '../base/tmpfs.ts';
import { suite, type TestContext } from '../suite.ts';
import { makeState, openTestLedger } from './samples.ts';

const test = suite('run/engine');

/** A ledger, the events told, and what the steps did, in one order. */
async function makeRun(t: TestContext, ledger?: Ledger) {
  const acts: string[] = [];
  const events: RunEvent[] = [];
  const controller = openController();
  const written = ledger ?? (await openTestLedger(t, await makeState(t)));
  const options = { ledger: written, emit: (event: RunEvent) => void events.push(event), signal: controller.signal };
  const step = (name: string, changed: Partial<Step> = {}): Step => ({
    name,
    does: `does ${name}`,
    apply: async () => void acts.push(`apply ${name}`),
    revert: async () => void acts.push(`revert ${name}`),
    ...changed,
  });
  const told = (): string[] => events.flatMap((event) => (event.type === 'step' ? `${event.name} ${event.state}` : []));
  return { acts, events, told, controller, options, step, path: written.path };
}

/** The ledger's steps as words, and with `fail` in them their messages. */
async function stepsIn(path: string): Promise<string[]> {
  const lines = (await readLedger(path)) ?? [];
  return lines.flatMap((line) => (line.type === 'step' ? `${line.name} ${line.state}` : []));
}

test('S2: steps are applied in their order, one after the other, and proven before the next', async (t) => {
  const { acts, told, options, step, path } = await makeRun(t);
  const slow = step('one', {
    apply: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      acts.push('apply one');
    },
    prove: async () => void acts.push('prove one'),
  });
  const applied = await applySteps([slow, step('two'), step('three')], options);
  assert.equal(acts, ['apply one', 'prove one', 'apply two', 'apply three']);
  assert.is(applied.failure, null);
  assert.equal(
    applied.begun.map(({ name }) => name),
    ['one', 'two', 'three'],
  );
  assert.equal(
    applied.records.map(({ name, status }) => `${name} ${status}`),
    ['one done', 'two done', 'three done'],
  );
  assert.ok((applied.records[0]?.duration_ms ?? 0) >= 19);
  assert.equal(told(), ['one begun', 'one done', 'two begun', 'two done', 'three begun', 'three done']);
  const states = ['intended', 'applied', 'done'];
  assert.equal(
    await stepsIn(path),
    ['one', 'two', 'three'].flatMap((name) => states.map((state) => `${name} ${state}`)),
  );
});

test('S8: the intent is in the file before the first act, and so is the way back', async (t) => {
  const { options, step, path } = await makeRun(t);
  const seen: string[] = [];
  const look = (): Promise<void> =>
    readFile(path, 'utf8').then((text) => {
      const line = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as LedgerEntry;
      seen.push(line.type === 'step' ? `${line.name} ${line.state}` : line.type);
    });
  const steps = ['one', 'two'].map((name) => step(name, { apply: look, prove: look, revert: look }));
  const { begun, records } = await applySteps(steps, options);
  await revertSteps(begun, records, options);
  const forward = ['one intended', 'one applied', 'two intended', 'two applied'];
  assert.equal(seen, [...forward, 'two reverting', 'one reverting']);
});

test('S8: what a step and its proof tell goes into the ledger', async (t) => {
  const { options, step, path } = await makeRun(t);
  const telling = step('start', { apply: async () => ({ job: 'done' }), prove: async () => ({ pid: 7 }) });
  await applySteps([telling], options);
  const facts = ((await readLedger(path)) ?? []).map((line) => (line.type === 'step' ? line.facts : null));
  assert.equal(facts, [undefined, { job: 'done' }, { pid: 7 }]);
});

test('S4: a failed step ends it; it and those before it are begun, those after it are not', async (t) => {
  for (const part of ['apply', 'prove'] as const) {
    const { acts, told, options, step, path } = await makeRun(t);
    const failing = step('two', { [part]: () => Promise.reject(new StepFailure('health', 'answered 500')) });
    const { begun, records, failure } = await applySteps([step('one'), failing, step('three')], options);
    assert.equal(failure, { step: 'two', reason: 'health', message: 'answered 500', evidence: null });
    assert.equal(
      begun.map(({ name }) => name),
      ['one', 'two'],
    );
    assert.equal(
      records.map(({ name, status }) => `${name} ${status}`),
      ['one done', 'two failed'],
    );
    assert.is((await stepsIn(path)).at(-1), 'two failed');
    assert.equal(await revertSteps(begun, records, options), []);
    assert.equal(acts.slice(-2), ['revert two', 'revert one']);
    assert.not.ok(acts.includes('apply three'));
    assert.equal(told().slice(-4), ['two reverting', 'two reverted', 'one reverting', 'one reverted']);
    assert.equal(
      records.map(({ name, status }) => `${name} ${status}`),
      ['one reverted', 'two failed'],
    );
  }
});

test('S4: one that cannot be taken back does not stop the others', async (t) => {
  const { acts, options, step, path } = await makeRun(t);
  const stuck = step('two', { revert: () => Promise.reject(new Error('it is stuck')) });
  const { begun, records } = await applySteps([step('one'), stuck, step('three'), step('four')], options);
  assert.is((await revertSteps(begun, records, options)).length, 1);
  assert.equal(acts.slice(4), ['revert four', 'revert three', 'revert one']);
  assert.equal(
    records.map(({ name, status }) => `${name} ${status}`),
    ['one reverted', 'two revert_failed', 'three reverted', 'four reverted'],
  );
  const line = ((await readLedger(path)) ?? []).find(
    (entry) => entry.type === 'step' && entry.state === 'revert_failed',
  );
  assert.equal(line && 'message' in line && line.message, 'it is stuck');
});

test('S4: a step that failed and cannot be taken back says the worse of both', async (t) => {
  const { options, step } = await makeRun(t);
  const bad = step('one', {
    apply: () => Promise.reject(new Error('a')),
    revert: () => Promise.reject(new Error('b')),
  });
  const { begun, records } = await applySteps([bad], options);
  assert.is((await revertSteps(begun, records, options)).length, 1);
  assert.equal(
    records.map(({ status }) => status),
    ['revert_failed'],
  );
});

test('S4: a step without a way back is passed over, and one that settle found has a record', async (t) => {
  const { acts, options, step, path } = await makeRun(t);
  const { revert: _, ...look } = step('look');
  const records: { name: string; status: 'reverted'; duration_ms: number }[] = [];
  assert.equal(await revertSteps([step('one'), look, step('two')], records, options), []);
  assert.equal(acts, ['revert two', 'revert one']);
  assert.equal(
    records.map(({ name, status }) => `${name} ${status}`),
    ['two reverted', 'one reverted'],
  );
  assert.equal(await stepsIn(path), ['two reverting', 'two reverted', 'one reverting', 'one reverted']);
});

test('S8: steps that are safe to repeat may be applied twice and taken back twice', async (t) => {
  const { options } = await makeRun(t);
  const { acts: names } = await makeRun(t);
  const state = new Set<string>();
  const step = (name: string): Step => ({
    name,
    does: name,
    apply: async () => void state.add(name),
    revert: async () => void state.delete(name),
  });
  const plan = ['one', 'two', 'three'].map(step);
  for (let times = 0; times < 2; times += 1) assert.is((await applySteps(plan, options)).failure, null);
  assert.equal([...state], ['one', 'two', 'three']);
  for (let times = 0; times < 2; times += 1) assert.equal(await revertSteps(plan, [], options), []);
  assert.equal([...state, ...names], []);
});

test('S8: an intent that cannot be written means that nothing is done', async (t) => {
  const { path } = await makeTmpfs(t, 65_536);
  const ledger = await openTestLedger(t, statePaths({ state: path, app: 'shop', target: 'production' }));
  const { acts, options, step } = await makeRun(t, ledger);
  await fillUp(path);
  const { begun, failure } = await applySteps([step('one'), step('two')], options);
  assert.equal([failure?.step, failure?.reason], ['one', 'disk']);
  assert.equal(begun, []);
  assert.equal(acts, []);
});

test('S4: a disk that fills up in the middle does not keep the steps from being taken back', async (t) => {
  const { path } = await makeTmpfs(t, 65_536);
  const ledger = await openTestLedger(t, statePaths({ state: path, app: 'shop', target: 'production' }));
  const { acts, told, options, step } = await makeRun(t, ledger);
  // What the last page of the ledger has room for is not refused.
  const filling = step('two', { apply: () => fillUp(path).then(() => ({ text: 'x'.repeat(8192) })) });
  const { begun, records, failure } = await applySteps([step('one'), filling, step('three')], options);
  assert.equal([failure?.step, failure?.reason], ['two', 'disk']);
  assert.is(await recordAnyway(ledger, { type: 'step', name: 'two', state: 'failed' }), false);
  assert.equal(await revertSteps(begun, records, options), []);
  assert.equal(acts, ['apply one', 'revert two', 'revert one']);
  assert.equal(told().slice(-4), ['two reverting', 'two reverted', 'one reverting', 'one reverted']);
});

test('P3, S4: what cannot be taken back is told as done, also where a full disk takes no line of it', async (t) => {
  const { path } = await makeTmpfs(t, 65_536);
  const ledger = await openTestLedger(t, statePaths({ state: path, app: 'shop', target: 'production' }));
  const { options, step } = await makeRun(t, ledger);
  const filling = step('one', { isLasting: true, apply: () => fillUp(path).then(() => ({ text: 'x'.repeat(8192) })) });
  const { records, failure } = await applySteps([filling], options);
  assert.equal([failure, records.map(({ status }) => status)], [null, ['done']]);
});

/** Writes until nothing more fits. */
async function fillUp(directory: string): Promise<void> {
  for (let at = 0; ; at += 1) {
    try {
      await writeFile(join(directory, `full${at}`), 'x'.repeat(4096));
    } catch {
      return;
    }
  }
}

test('S4: an interruption ends the step that waits, begins no other, and does not stop the way back', async (t) => {
  const { acts, controller, options, step } = await makeRun(t);
  const waiting = step('two', {
    apply: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        controller.abort(interruption('SIGTERM'));
      }),
  });
  const { begun, records, failure } = await applySteps([step('one'), waiting, step('three')], options);
  assert.equal([failure?.step, failure?.reason, failure?.message], ['two', 'interrupted', 'interrupted by SIGTERM']);
  assert.equal(await revertSteps(begun, records, options), []);
  assert.equal(acts, ['apply one', 'revert two', 'revert one']);
});

test('S4: an interruption between two steps begins nothing more, and no ledger names the one that never began', async (t) => {
  const { acts, controller, options, step, path } = await makeRun(t);
  const last = step('one', { apply: async () => controller.abort(interruption('SIGINT')) });
  const { begun, failure } = await applySteps([last, step('two')], options);
  assert.equal([failure?.step, failure?.reason], ['two', 'interrupted']);
  assert.equal(
    begun.map(({ name }) => name),
    ['one'],
  );
  assert.equal(acts, []);
  assert.equal(await stepsIn(path), ['one intended', 'one applied', 'one done']);
});

test('S4: every way to fail has a reason of the contract', () => {
  const cases: [unknown, string][] = [
    [new StepFailure('port_taken', 'x'), 'port_taken'],
    [new StepFailure('memory', 'x'), 'memory'],
    [new CutoverError('timeout', 'x'), 'timeout'],
    [new CutoverError('permission', 'x'), 'permission'],
    [new CutoverError('disk', 'x'), 'disk'],
    [interruption('SIGINT'), 'interrupted'],
    [new CutoverError('bus_lost', 'x'), 'systemd'],
    [new CutoverError('unit_masked', 'x'), 'systemd'],
    [new Error('x'), 'systemd'],
    ['x', 'systemd'],
    [undefined, 'systemd'],
  ];
  for (const [error, reason] of cases) assert.is(reasonOf(error), reason);
});

test('S4: what no reason is given for is blamed on what the step works with', () => {
  const refused = new CutoverError('refused', 'x');
  const cases: [unknown, step: string, string][] = [
    [refused, 'restore', 'database'],
    [refused, 'keep', 'database'],
    [refused, 'backup', 'database'],
    [refused, 'start', 'systemd'],
    [new CutoverError('no_build', 'x'), 'build', 'hook'],
    [new CutoverError('usage', 'x'), 'fetch', 'hook'],
    [new CutoverError('bus_lost', 'x'), 'restore', 'systemd'],
    [new CutoverError('disk', 'x'), 'build', 'disk'],
    [Object.assign(new Error('x'), { code: 'ENOSPC' }), 'backup', 'disk'],
    [Object.assign(new Error('x'), { code: 'EACCES' }), 'swap', 'permission'],
  ];
  for (const [error, step, reason] of cases) assert.is(reasonOf(error, step), reason, step);
});
