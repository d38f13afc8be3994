import * as assert from 'uvu/assert';
import { describeStatuses, type Expectation, judge } from '../../lib/checks/judge.ts';
import { suite } from '../suite.ts';

const test = suite('checks/judge');
const expectation: Expectation = { statuses: [[200, 200]], json: {}, body: null, headers: {}, timeoutMs: 1000 };

function verdict(status: number | null, text: string, changed: Partial<Expectation> = {}): Promise<string | null> {
  return judge({ status, text }, { ...expectation, ...changed });
}

test('S3: a status is good when it lies in one of the ranges', async () => {
  const some: Expectation['statuses'] = [
    [200, 299],
    [304, 304],
  ];
  const cases: [number, Expectation['statuses'], boolean][] = [
    [200, [[200, 200]], true],
    [201, [[200, 200]], false],
    [500, [[200, 200]], false],
    [302, [[200, 200]], false],
    [200, some, true],
    [299, some, true],
    [300, some, false],
    [304, some, true],
    [199, some, false],
    [200, [], false],
  ];
  for (const [status, statuses, isGood] of cases)
    assert.is((await verdict(status, '', { statuses })) === null, isGood, `${status} of ${describeStatuses(statuses)}`);
  assert.is(describeStatuses(some), '200-299 or 304');
  assert.is(describeStatuses([[200, 200]]), '200');
});

test('S3: what is wrong is said with what came and what should have', async () => {
  assert.is(await verdict(null, ''), 'no answer');
  assert.is(await verdict(503, ''), 'answered 503, expected 200');
  assert.is(await verdict(503, '  down\n for\trepair '), 'answered 503, expected 200: down for repair');
  const password = `${'x'.repeat(70)} http://shop:${'sentinel'.repeat(8)}@127.0.0.1/`;
  assert.not.match((await verdict(503, password)) ?? '', 'sentinel');
  const long = (await verdict(503, 'x'.repeat(500))) ?? '';
  assert.ok(long.length < 200 && long.endsWith('x…'));
});

test('S3: what an answer says reaches no terminal as a command', async () => {
  const [colour, title] = ['\u001b[31m', '\u001b]0;mine\u0007'];
  assert.is(await verdict(503, `${title}\u009b2J${colour}down\u0008\r\n`), 'answered 503, expected 200: down');
  const json = JSON.stringify({ status: '\u009b2Jill' });
  assert.is(await verdict(200, json, { json: { status: 'well' } }), 'status is "ill", expected "well"');
});

test('S3: a JSON value is found by its path and must be equal in kind too', async () => {
  const text = JSON.stringify({
    status: 'healthy',
    count: 3,
    zero: 0,
    ready: true,
    off: false,
    nothing: null,
    services: { redis: { status: 'connected' }, 'my.db': { up: true } },
    'a.b': { c: 'dotted' },
    'full.path.key': 1,
    list: [{ name: 'first' }],
  });
  const good: Expectation['json'][] = [
    {},
    { status: 'healthy' },
    { 'services.redis.status': 'connected', count: 3, ready: true },
    { zero: 0, off: false },
    { 'full.path.key': 1 },
    { 'list.0.name': 'first' },
  ];
  for (const json of good) assert.is(await verdict(200, text, { json }), null, JSON.stringify(json));
  const bad: [Expectation['json'], string][] = [
    [{ status: 'ok' }, 'status is "healthy", expected "ok"'],
    [{ count: '3' }, 'count is 3, expected "3"'],
    [{ ready: 'true' }, 'ready is true, expected "true"'],
    [{ none: 'x' }, 'none is missing, expected "x"'],
    [{ 'services.none.status': 'x' }, 'services.none.status is missing, expected "x"'],
    [{ 'status.length': 7 }, 'status.length is missing, expected 7'],
    [{ 'nothing.at': 1 }, 'nothing.at is missing, expected 1'],
    [{ nothing: false }, 'nothing is null, expected false'],
    [{ services: 'up' }, 'services is {'],
    [{ toString: 'x' }, 'toString is missing, expected "x"'],
    [{ 'services.constructor.name': 'Object' }, 'services.constructor.name is missing'],
    [{ status: 'healthy', count: 4 }, 'count is 3, expected 4'],
  ];
  for (const [json, problem] of bad)
    assert.ok((await verdict(200, text, { json }))?.startsWith(problem), JSON.stringify(json));
});

test('S3: a body that is no JSON, or no object, fails what asks for a value', async () => {
  const json = { status: 'healthy' };
  assert.is(await verdict(200, '<html>', { json }), 'the body is no JSON: <html>');
  assert.is(await verdict(200, '', { json }), 'the body is no JSON');
  for (const text of ['null', '7', '"healthy"', '[]', 'true'])
    assert.is(await verdict(200, text, { json }), 'status is missing, expected "healthy"', text);
  assert.is(await verdict(200, '<html>'), null);
});

test('S3: a body is matched anywhere in it, and status comes first', async () => {
  assert.is(await verdict(200, 'all is well', { body: 'is w' }), null);
  assert.is(await verdict(200, 'one\ntwo', { body: '(?:^|\\n)two$' }), null);
  assert.is(await verdict(200, 'all is lost', { body: '^well$' }), 'the body does not match ^well$: all is lost');
  assert.is(await verdict(200, '', { body: 'x' }), 'the body does not match x');
  assert.match((await verdict(500, 'well', { body: 'lost' })) ?? '', /^answered 500/);
});

test('S3: the same pattern judges the same twice', async () => {
  for (let times = 0; times < 3; times += 1) assert.is(await verdict(200, 'well', { body: 'well' }), null);
});

test('S3: a body that a pattern comes to no end with is no good one', async () => {
  const problem = (await verdict(200, `${'a'.repeat(60)}!`, { body: '(a+)+$' })) ?? '';
  assert.ok(problem.startsWith('the pattern (a+)+$ came to no end within 5 s: aaa'), problem);
});
