import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../../lib/checks/check.ts';
import { cut } from '../../../lib/report/notify/cut.ts';
import { alertNotice } from '../../../lib/report/notify/alert.ts';
import { naming, noticeOf } from '../../../lib/report/notify/notice.ts';
import { gateFailure, newer, older } from '../../run/samples.ts';
import { suite } from '../../suite.ts';
import { hostile, noticeWith, runOf, where } from './samples.ts';

const test = suite('report/notify/notice');

test('P4: a success tells build, revision, branch, how long it took and how long the port was closed', () => {
  const { kind, title, sentence, facts, commands } = noticeWith();
  assert.equal([kind, title, commands], ['deployed', '✅ deployed: shop shop', []]);
  assert.is(sentence, `shop serves ${newer}, proven healthy in 812 ms; the port was closed for 301 ms`);
  assert.equal(facts, [
    ['Build', newer],
    ['Revision', '4f2a9c1'],
    ['Branch', 'main'],
    ['Took', '812 ms'],
    ['Port closed', '301 ms'],
    ['Run', 'deploy 20260203-151120-4f2a'],
    ['Machine', 'web1'],
  ]);
});

test('P4: a rollback is a warning that tells stage and reason, and what to look at', () => {
  const { kind, title, sentence, facts, commands } = noticeWith({
    outcome: 'rolled_back',
    active: older,
    failure: gateFailure,
  });
  assert.equal([kind, title], ['rolled_back', '⚠️ rolled back: shop shop']);
  assert.match(sentence, `${newer} failed: answered 500; shop is back on ${older}, verified healthy`);
  assert.equal(Object.fromEntries(facts)['Failed in'], 'gate (health)');
  assert.equal(Object.fromEntries(facts)['In service'], older);
  assert.equal(commands, ['cutover report shop 20260203-151120-4f2a', 'cutover logs shop 20260203-151120-4f2a']);
});

test('P4: what is not verified healthy is critical, and says what to type', () => {
  const { kind, title, sentence, facts, commands } = noticeWith({
    outcome: 'failed',
    active: null,
    failure: gateFailure,
  });
  assert.equal([kind, title], ['failed', '🚨 CRITICAL, act now: not verified healthy: shop shop']);
  assert.match(sentence, 'shop IS NOT VERIFIED HEALTHY: answered 500');
  assert.is(Object.fromEntries(facts)['In service'], 'not known');
  assert.is(commands.length, 4);
  assert.ok(commands.includes('cutover rollback shop'));
});

test('P4: what to type names a configuration that is not found by itself, where there is room for it', () => {
  const failed = runOf({ outcome: 'failed', active: null, failure: gateFailure });
  const typedWith = (config: string | null) => noticeOf(failed, { ...where, config })?.commands;
  assert.equal(typedWith('/srv/the shop/cutover.toml'), [
    'systemctl status shop.service',
    'journalctl -u shop.service -n 50',
    "cutover rollback --config '/srv/the shop/cutover.toml' shop",
    `cutover deploy --config '/srv/the shop/cutover.toml' shop ${newer} --fix-forward`,
  ]);
  for (const file of ['/etc/cutover/cutover.toml', null, `/srv/${'x'.repeat(100)}/cutover.toml`])
    assert.ok(typedWith(file)?.includes('cutover rollback shop'), String(file));
  const mends = [
    'cutover status, or repeat with --wait',
    'sudo true; cutover settle',
    'cutover settle --state-directory /srv',
  ];
  assert.equal(naming('/srv/c.toml', mends), [
    'cutover status --config /srv/c.toml, or repeat with --wait',
    'sudo true; cutover settle --config /srv/c.toml',
    'cutover settle --state-directory /srv',
  ]);
  const alert = { key: 'memory', severity: 'critical', state: 'raised', message: 'too much', since: '' } as const;
  const about = { app: 'shop', target: 'shop', host: 'web1', config: '/srv/cutover.toml' };
  assert.is(alertNotice(alert, about).commands[0], 'cutover status --config /srv/cutover.toml shop');
});

test('P4: a refusal names the checks that failed, since nobody sees them', () => {
  const disk: CheckAnswer = {
    name: 'disk',
    status: 'fail',
    observed: '93 % used',
    expected: 'under 80 %',
    mend: 'df -h',
  };
  const { kind, sentence, commands } = noticeWith({ outcome: 'refused', checks: [disk, { ...disk, status: 'pass' }] });
  assert.is(kind, 'refused');
  assert.is(sentence, 'shop was not touched: disk: 93 % used (expected: under 80 %)');
  assert.equal(commands, ['cutover check shop']);
  const test = noticeWith({ outcome: 'refused', failure: { ...gateFailure, step: 'test', message: '3 tests failed' } });
  assert.is(test.sentence, 'shop was not touched: 3 tests failed');
});

test('P4: nobody is told of a run that changed nothing', () => {
  for (const outcome of ['unchanged', 'interrupted'] as const) assert.is(noticeOf(runOf({ outcome }), where), null);
});

test('P4, R3: a rollback by hand and a recovery have words of their own', () => {
  assert.is(noticeWith({ kind: 'rollback' }).title, '✅ rolled back by hand: shop shop');
  assert.equal(
    [noticeWith({ kind: 'recovery' }).kind, noticeWith({ kind: 'recovery' }).title],
    ['recovered', '✅ recovered: shop shop'],
  );
});

test('P4: a ledger of an earlier version, which knows no revision, is told without it', () => {
  const { revision: _, branch: __, ...old } = runOf();
  const facts = noticeOf(old as never, where)?.facts.map(([name]) => name);
  assert.equal(facts, ['Build', 'Took', 'Port closed', 'Run', 'Machine']);
});

test('P4: texts are one line, bounded, and whole characters', () => {
  const long = { ...gateFailure, message: `${hostile} ${'😀'.repeat(2_000)}` };
  const notice = noticeWith({ outcome: 'failed', failure: long, branch: 'x'.repeat(500), revision: hostile });
  const texts = [notice.title, notice.sentence, ...notice.facts.map(([, value]) => value), ...notice.commands];
  for (const text of texts) {
    assert.ok(text.length <= 600, text);
    // oxlint-disable-next-line no-control-regex
    assert.not.match(text, /[\u0000-\u001F\u202E]|\p{Cs}/u);
  }
  assert.is(notice.sentence.length <= 600 && notice.sentence.endsWith('😀…'), true, notice.sentence.slice(-4));
});

test('P4: a text is cut between characters', () => {
  assert.is(cut('ab😀cd', 6), 'ab😀cd');
  assert.is(cut('ab😀cd', 5), 'ab😀…');
  assert.is(cut('ab😀cd', 4), 'ab…');
  assert.is(cut(' a\r\n\tb\u2028c ', 10), 'a b c');
});
