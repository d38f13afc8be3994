import * as assert from 'uvu/assert';
import { buildIdFor, compareBuildIds, createdAtOf, isBuildId, stampOf } from '../../lib/builds/layout.ts';
import { fallbackPrevious } from '../../lib/builds/previous.ts';
import { suite } from '../suite.ts';

const test = suite('builds/layout');

test('S6: a build is named after the moment it was made, in UTC', () => {
  for (const name of [
    'dist.20260203-151116',
    'dist.20260203-151116-2',
    'dist.20260203-151116-10',
    'dist.20240229-000000',
  ]) {
    assert.ok(isBuildId(name), name);
  }
  assert.is(createdAtOf('dist.20260203-151116-3')?.toISOString(), '2026-02-03T15:11:16.000Z');
});

test('S6: anything else is not a build', () => {
  const names = [
    'current',
    '.incoming',
    '.current.0a1b2c3d.tmp',
    'dist',
    'dist.20260203',
    'dist.20260203-151116-1',
    'dist.20260203-151116-02',
    'dist.20260203-151116.tmp',
    'dist.20260203-151116\n',
    'xdist.20260203-151116',
    'dist.20260231-000000',
    'dist.20261301-000000',
    'dist.20260203-246000',
  ];
  for (const name of names) assert.not.ok(isBuildId(name), name);
});

test('S6: the order is by stamp, then by number', () => {
  const ids = [
    'dist.20260203-151116-10',
    'dist.20270101-000000',
    'dist.20260203-151116-9',
    'dist.20260203-151116',
    'dist.20260203-151115-11',
    'dist.20260203-151116-2',
  ];
  assert.equal(ids.toSorted(compareBuildIds), [
    'dist.20260203-151115-11',
    'dist.20260203-151116',
    'dist.20260203-151116-2',
    'dist.20260203-151116-9',
    'dist.20260203-151116-10',
    'dist.20270101-000000',
  ]);
  assert.is(compareBuildIds('dist.20260203-151116', 'dist.20260203-151116'), 0);
});

test('S6: a second build of the same second gets a number', () => {
  const date = new Date('2026-02-03T15:11:16.999Z');
  const taken = new Set<string>();
  for (const expected of ['dist.20260203-151116', 'dist.20260203-151116-2', 'dist.20260203-151116-3']) {
    const id = buildIdFor(date, (one) => taken.has(one));
    assert.is(id, expected);
    taken.add(id);
  }
  assert.is(stampOf(date), '20260203-151116');
});

test('S4, S8: without a record, previous is the newest older build that is not quarantined', () => {
  const ids = ['dist.20260204-000000', 'dist.20260201-000000', 'dist.20260203-000000-10', 'dist.20260203-000000-9'];
  const none = new Set<string>();
  assert.is(fallbackPrevious(ids, 'dist.20260204-000000', none), 'dist.20260203-000000-10');
  assert.is(
    fallbackPrevious(ids, 'dist.20260204-000000', new Set(['dist.20260203-000000-10'])),
    'dist.20260203-000000-9',
  );
  assert.is(fallbackPrevious(ids, 'dist.20260201-000000', none), null);
  assert.is(fallbackPrevious(ids, null, none), 'dist.20260204-000000');
  assert.is(fallbackPrevious([], null, none), null);
});
