import { setImmediate } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { type Redact, redactorOf } from '../../lib/base/redactor.ts';
import { poll } from '../../lib/base/wait.ts';
import { journalListener, messageIds } from '../../lib/report/journal.ts';
import type { RunEvent } from '../../lib/run/events.ts';
import { type JournalFields, journalText } from '../../lib/systemd/journal-entry.ts';
import { documentWith, gateFailure, inputsOf, newer, older } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('report/journal');
const run = '20260203-151120-4f2a';
const about = { app: 'shop', target: 'production', unit: 'shop.service' };
const begin: RunEvent = { type: 'begin', inputs: inputsOf(run, { revision: '4f2a9c1' }) };
const outcome: RunEvent = { type: 'outcome', document: documentWith() };
const failed: RunEvent = { type: 'step', name: 'gate', state: 'failed', durationMs: 1, message: 'answered 500' };
const kindOf = Object.fromEntries(Object.entries(messageIds).map(([kind, id]) => [id, kind]));

/** A listener and what it has written so far. */
function listening(write?: (fields: JournalFields) => Promise<void>, redact?: Redact) {
  const written: JournalFields[] = [];
  const listen = async (fields: JournalFields): Promise<void> => {
    written.push(fields);
    await write?.(fields);
  };
  let prepared = 0;
  const prepare = (): void => void (prepared += 1);
  const journal = journalListener(about, { writer: { write: listen, prepare }, ...(redact ? { redact } : {}) });
  const kinds = (): unknown[] => written.map(({ MESSAGE_ID: id }) => kindOf[String(id)]);
  return { ...journal, written, kinds, prepared: () => prepared };
}

test('S10: the journal has the story of a run, each entry with fields to find it by', async () => {
  const { listen, ended, written, kinds } = listening();
  listen(begin);
  listen({ type: 'step', name: 'stop', state: 'done', durationMs: 1 });
  listen(failed);
  listen({ type: 'going_back', from: older, to: older, isOneWay: false, failure: gateFailure });
  listen({ type: 'step', name: 'swap', state: 'revert_failed', durationMs: 1, message: 'no' });
  listen({ type: 'note', message: 'not for the journal' });
  listen({ type: 'outcome', document: documentWith({ outcome: 'rolled_back', active: older, failure: gateFailure }) });
  listen({ type: 'pruned', builds: [older] });
  await ended();
  assert.equal(kinds(), ['begun', 'step_failed', 'going_back', 'step_failed', 'ended', 'pruned']);
  assert.equal(
    written.map(({ PRIORITY }) => PRIORITY),
    [6, 3, 4, 3, 4, 6],
  );
  for (const fields of written) {
    const { CUTOVER_APP, CUTOVER_TARGET, CUTOVER_UNIT, CUTOVER_RUN, SYSLOG_IDENTIFIER } = fields;
    const known = [CUTOVER_APP, CUTOVER_TARGET, CUTOVER_UNIT, CUTOVER_RUN, SYSLOG_IDENTIFIER];
    assert.equal(known, ['shop', 'production', 'shop.service', run, 'cutover']);
    assert.ok(Math.abs(Date.parse(String(fields.CUTOVER_AT)) - Date.now()) < 60_000);
  }
  assert.is(written[0]?.MESSAGE, `shop production: deploy ${older} -> ${newer}`);
  assert.is(written[0]?.CUTOVER_REVISION, '4f2a9c1');
  assert.is(written[1]?.MESSAGE, 'shop production: gate failed: answered 500');
  assert.is(written[3]?.MESSAGE, 'shop production: swap could not be taken back: no');
  const { CUTOVER_OUTCOME, CUTOVER_REASON, CUTOVER_STEP, CUTOVER_DOWNTIME_MS } = written[4] ?? {};
  assert.equal(
    [CUTOVER_OUTCOME, CUTOVER_REASON, CUTOVER_STEP, CUTOVER_DOWNTIME_MS],
    ['rolled_back', 'health', 'gate', 301],
  );
});

test('S10: while the port closes and opens nothing is started, but for the begin once a step takes its time', async (t) => {
  const { listen, kinds, ended } = listening();
  listen(begin);
  listen({ type: 'step', name: 'stop', state: 'begun', durationMs: 0 });
  assert.equal(kinds(), [], 'the stop may be over at once');
  await poll({ everyMs: 5, signal: t.signal }, async () => kinds().length > 0 || undefined);
  assert.equal(kinds(), ['begun']);
  listen({ type: 'step', name: 'stop', state: 'done', durationMs: 0 });
  listen(failed);
  listen({ type: 'going_back', from: older, to: older, isOneWay: false, failure: gateFailure });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(kinds(), ['begun']);
  listen(outcome);
  await ended();
  assert.equal(kinds(), ['begun', 'step_failed', 'going_back', 'ended']);
});

test('S10: a run that fails at once is told of when its outcome is, and nothing is started before', async () => {
  const { listen, kinds, ended } = listening();
  listen(begin);
  listen(failed);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(kinds(), []);
  listen(outcome);
  await ended();
  assert.equal(kinds(), ['begun', 'step_failed', 'ended']);
});

test('S10: what writes the outcome is begun while the build starts, or at last at the gate, which asks first', async (t) => {
  for (const name of ['start', 'gate']) {
    const { listen, prepared } = listening();
    listen(begin);
    for (const before of ['stop', 'swap']) listen({ type: 'step', name: before, state: 'begun', durationMs: 0 });
    await setImmediate();
    assert.is(prepared(), 0);
    listen({ type: 'step', name, state: 'begun', durationMs: 0 });
    assert.is(prepared(), 0, name);
    await poll({ everyMs: 5, signal: t.signal }, async () => prepared() > 0 || undefined);
    assert.is(prepared(), 1, name);
    // A build that takes its time outlasts what was begun with its start.
    listen({ type: 'step', name: 'gate', state: 'begun', durationMs: 0 });
    await poll({ everyMs: 5, signal: t.signal }, async () => prepared() > 1 || undefined);
  }
});

test('S8: a run that is ended for another is told as that, by whoever ends it', async () => {
  const settled = documentWith({ kind: 'settle', outcome: 'rolled_back', active: older, failure: gateFailure });
  const bySettle = listening();
  bySettle.listen({ ...begin, isResumed: true });
  assert.equal(bySettle.kinds(), [], 'the service may be down');
  bySettle.listen({ type: 'outcome', document: settled });
  await bySettle.ended();
  assert.equal(bySettle.kinds(), ['settled']);
  assert.match(String(bySettle.written[0]?.MESSAGE), `run ${run} had been cut off, and was ended: ${newer} failed`);
  const byNext = listening();
  byNext.listen({ ...begin, isResumed: true });
  byNext.listen({ type: 'settled', document: settled });
  byNext.listen({ type: 'begin', inputs: inputsOf('20260203-151121-0000') });
  await byNext.ended();
  assert.equal(byNext.kinds(), ['settled', 'begun']);
  assert.equal(
    byNext.written.map((fields) => fields.CUTOVER_RUN),
    [run, '20260203-151121-0000'],
  );
});

test('S10: every outcome has its priority, and nothing to do is no entry', async () => {
  const cases = { deployed: 5, refused: 4, rolled_back: 4, failed: 2, interrupted: 5, unchanged: undefined } as const;
  for (const [name, priority] of Object.entries(cases)) {
    const { listen, ended, written } = listening();
    listen({ type: 'outcome', document: documentWith({ outcome: name as 'deployed', failure: gateFailure }) });
    await ended();
    assert.is(written[0]?.PRIORITY, priority, name);
  }
});

test('S10: a journal that fails or hangs holds nobody up', async () => {
  const failing = listening(() => Promise.reject(new Error('no journal')));
  failing.listen(begin);
  failing.listen(outcome);
  await failing.ended();
  assert.equal(failing.kinds(), ['begun', 'ended']);
  const hanging = listening(() => new Promise(() => {}));
  hanging.listen(outcome);
  const began = performance.now();
  await hanging.ended();
  assert.ok(performance.now() - began < 20_000);
});

test('W4: no entry tells a secret', async () => {
  const { listen, ended, written } = listening(undefined, redactorOf(['planted-secret']));
  listen({ ...failed, message: 'answered planted-secret' });
  await ended();
  assert.is(written[0]?.MESSAGE, 'shop production: gate failed: answered [redacted]');
});

test('S10: what logger(1) reads has a field a line, whatever a message holds', () => {
  const text = journalText({ MESSAGE: 'one\ntwo\u0007', PRIORITY: 3, CUTOVER_STEP: 'a\nB=c', CUTOVER_BUILD: null });
  assert.is(text, 'MESSAGE=one\nMESSAGE=two \nPRIORITY=3\nCUTOVER_STEP=a B=c\n');
});

test('S10: each kind of entry has an id of its own', () => {
  const ids = Object.values(messageIds);
  assert.is(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
});
