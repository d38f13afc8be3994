import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { nothingNotice, nothingProblem } from '../../../lib/triggers/serve/came-to-nothing.ts';
import type { Result } from '../../../lib/triggers/serve/launch.ts';
import type { ServeRequest } from '../../../lib/triggers/serve/request.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { suite } from '../../suite.ts';
import { github, plain, push, receiverAtHand } from './at-hand.ts';

const test = suite('triggers/serve/came-to-nothing');
const deployed: Result = { run: null, outcome: 'deployed', exit_code: 0, error: null };
const nothing: Result = {
  run: null,
  outcome: null,
  exit_code: null,
  error: { code: 'permission', message: 'systemd refuses to manage it', mend: 'sudo cutover init --install' },
};

test('W1: a push that came to nothing is told of, and taken again when it is delivered again', async (t) => {
  const results = [nothing, deployed];
  const launch = async (): Promise<Result> => results.shift() ?? deployed;
  const { send, queue, launched, told, lines } = await receiverAtHand(t, { launch });
  const first = await send(github(push));
  const isOver = (id: string) => async (): Promise<boolean> => queue.find(id)?.state === 'done';
  await until('it came to nothing', async () => told.length === 1);
  assert.equal(
    told.map(({ id }) => id),
    [first.json.id],
  );
  assert.equal(
    queue.nothings().map(({ id }) => id),
    [first.json.id],
  );
  assert.match(lines.join('\n'), /<3>\S+: the push to production came to nothing: systemd refuses to manage it/);
  const again = await send(github(push));
  assert.equal([again.status, again.json.status, again.json.replayed], [202, 'queued', undefined]);
  assert.not.equal(again.json.id, first.json.id);
  await until('that one is carried out', isOver(again.json.id));
  assert.equal(queue.nothings(), [], 'what came later counts');
  const third = await send(github(push));
  assert.equal(third.json, { id: again.json.id, run: `/runs/${again.json.id}`, status: 'done', replayed: true });
  assert.is(launched.length, 2);
});

test('W1: a push whose run was refused is taken again, after a restart too: whoever delivers it again mended the cause', async (t) => {
  const directory = join(await makeDirectory(t), 'queue');
  const refused: Result = { run: '20260203-150001-4f2a', outcome: 'refused', exit_code: 1, error: null };
  const before = await receiverAtHand(t, { directory, launch: async () => refused });
  const ids: string[] = [];
  for (let n = 0; n < 2; n += 1) {
    const { json } = await before.send(github(push));
    assert.equal([json.status, json.replayed], ['queued', undefined]);
    ids.push(json.id);
    await until('it is over', async () => before.queue.find(json.id)?.state === 'done');
  }
  assert.equal([before.told.length, before.queue.nothings().length], [0, 0], 'its run has told of it');
  await before.end();
  const after = await receiverAtHand(t, { directory });
  ids.push((await after.send(github(push))).json.id);
  assert.is(new Set(ids).size, 3);
});

test('W1: a replay is answered with what became of the delivery', async (t) => {
  let finish: ((result: Result) => void) | null = null;
  const launch = (): Promise<Result> =>
    finish ? Promise.resolve(deployed) : new Promise((resolve) => (finish = resolve));
  const { send, queue } = await receiverAtHand(t, { launch });
  const { json } = await send(plain('{}', { 'X-Delivery': 'a' }));
  assert.is(json.status, 'queued');
  await until('it runs', async () => queue.find(json.id)?.state === 'running' && finish !== null);
  const waiting = (await send(plain('{}', { 'X-Delivery': 'b' }))).json;
  await send(plain('{}', { 'X-Delivery': 'c' }));
  const stateOf = async (delivery: string) => (await send(plain('{}', { 'X-Delivery': delivery }))).json;
  assert.equal(await stateOf('a'), { ...json, status: 'running', replayed: true });
  const end = finish as ((result: Result) => void) | null;
  end?.(deployed);
  await until('it is over', async () => queue.find(json.id)?.state === 'done');
  assert.equal(await stateOf('a'), { ...json, status: 'done', replayed: true });
  await until('one gave way', async () => queue.find(waiting.id)?.state === 'superseded');
  assert.is((await stateOf('b')).status, 'superseded');
});

test('W1: after a restart it is still taken again, and an older one that is forgotten leaves the newer its delivery', async (t) => {
  const directory = join(await makeDirectory(t), 'queue');
  const before = await receiverAtHand(t, { directory, launch: async () => nothing });
  const first = await before.send(github(push));
  await until('it came to nothing', async () => before.told.length === 1);
  await before.end();
  const after = await receiverAtHand(t, { directory });
  assert.is(after.queue.nothings().length, 1);
  const again = await after.send(github(push));
  assert.not.equal(again.json.id, first.json.id);
  await until('it is over', async () => after.queue.find(again.json.id)?.state === 'done');
  assert.is((await after.send(github(push))).json.id, again.json.id);
});

const request: ServeRequest = {
  id: 'r00000001x4f2a9c1b',
  seq: 1,
  target: 'production',
  provider: 'github',
  keys: [],
  branch: 'main',
  revision: '4f2a9c1',
  state: 'done',
  queued_at: '2026-02-03T15:00:00.000Z',
  started_at: '2026-02-03T15:00:01.000Z',
  ended_at: '2026-02-03T15:00:02.000Z',
  superseded_by: null,
  ...nothing,
};

test('W1: the health says it until something is deployed there, and a day at most', () => {
  const nowMs = Date.parse('2026-02-03T16:00:00.000Z');
  const said = nothingProblem(request, { lastRunAt: '2026-02-03T14:00:00.000Z', nowMs, config: null });
  assert.match(
    said ?? '',
    /^the last push to production came to nothing: systemd refuses .*cutover deploy production$/,
  );
  assert.is(nothingProblem(request, { lastRunAt: '2026-02-03T15:30:00.000Z', nowMs, config: null }), null);
  assert.is(nothingProblem(request, { lastRunAt: null, nowMs: nowMs + 24 * 3_600_000, config: null }), null);
});

test("W1: what the health says to type names a configuration that is not the machine's", () => {
  const about = { lastRunAt: null, nowMs: Date.parse('2026-02-03T16:00:00.000Z') };
  const said = nothingProblem(request, { ...about, config: '/srv/c.toml' });
  assert.match(said ?? '', /cutover deploy --config \/srv\/c\.toml production$/);
  const plain = nothingProblem(request, { ...about, config: '/etc/cutover/cutover.toml' });
  assert.match(plain ?? '', /cutover deploy production$/);
});

test('W1: people are told which push, why, and what to type; not where somebody called it off', () => {
  const where = { app: 'shop', host: 'server', config: '/srv/cutover.toml' };
  const notice = nothingNotice(request, where);
  if (notice === null) throw new Error('nobody is told');
  assert.equal([notice.kind, notice.title], ['failed', '🚨 a push came to nothing: shop production']);
  assert.match(notice.sentence, 'systemd refuses to manage it');
  assert.equal(notice.commands, [
    'sudo cutover init --config /srv/cutover.toml --install',
    'cutover deploy --config /srv/cutover.toml production',
  ]);
  assert.equal(Object.fromEntries(notice.facts).Revision, '4f2a9c1');
  const error = { code: 'interrupted', message: 'interrupted by SIGINT', mend: null };
  assert.is(nothingNotice({ ...request, error }, where), null);
});

test('W1: of one that had a run nobody is told that nothing was changed', () => {
  const lost = { ...request, run: '20260203-150001-4f2a' };
  const notice = nothingNotice(lost, { app: 'shop', host: 'server', config: null });
  assert.is(notice?.title, '🚨 a push may have come to nothing: shop production');
  assert.match(notice?.sentence ?? '', /^What was pushed may not be in service on production: systemd refuses/);
  assert.is(Object.fromEntries(notice?.facts ?? []).Run, lost.run);
  const said = nothingProblem(lost, { lastRunAt: null, nowMs: Date.parse('2026-02-03T16:00:00.000Z'), config: null });
  assert.match(said ?? '', /^the last push to production may have come to nothing: /);
});
