import * as assert from 'uvu/assert';
import { factsFrom, hasGivenUp, isActive, isUp, type UnitFacts } from '../../lib/systemd/facts.ts';
import { suite } from '../suite.ts';
import { factsWith } from './facts.ts';

const test = suite('systemd/facts');
const unset = 18_446_744_073_709_551_615n;

test('S1: what is not set is null, never a very large number', () => {
  const names = ['MemoryCurrent', 'MemoryMax', 'CPUUsageNSec', 'TimeoutStopUSec'];
  const facts = factsFrom('app.service', new Map(names.map((name) => [name, unset])), 'system');
  assert.equal([facts.memoryBytes, facts.memoryMaxBytes, facts.cpuNs], [null, null, null]);
  assert.is(facts.stopTimeoutMs, Number.POSITIVE_INFINITY);
  JSON.stringify(facts);
});

test('S1: units come in milliseconds and bytes', () => {
  const properties = new Map<string, unknown>([
    ['MemoryCurrent', 52_428_800n],
    ['MemoryMax', 536_870_912n],
    ['CPUUsageNSec', 0n],
    ['TimeoutStopUSec', 10_000_000n],
    ['StartLimitIntervalUSec', 300_000_000n],
    ['StateChangeTimestamp', 1_770_131_480_123_456n],
    ['NRestarts', 2],
    ['InvocationID', Buffer.from('0123456789abcdef0123456789abcdef', 'hex')],
  ]);
  const facts = factsFrom('app.service', properties, 'system');
  assert.equal([facts.memoryBytes, facts.memoryMaxBytes, facts.cpuNs], [52_428_800, 536_870_912, 0]);
  assert.equal([facts.stopTimeoutMs, facts.startLimitIntervalMs, facts.restarts], [10_000, 300_000, 2]);
  assert.is(facts.stateChangedMs, 1_770_131_480_123.456);
  assert.is(facts.invocationId, '0123456789abcdef0123456789abcdef');
});

test('S1: a unit of which nothing is known has empty facts', () => {
  const facts = factsFrom('app.service', new Map(), 'user');
  assert.equal([facts.loadState, facts.invocationId, facts.mainPid, facts.restarts], ['', '', 0, 0]);
  assert.equal([facts.fragmentPath, facts.loadError, facts.user, facts.memoryBytes], [null, null, null, null]);
  assert.equal(facts.triggeredBy, []);
  assert.is(facts.needDaemonReload, false);
});

test('S1: an error of loading is told by its text, or else by its name', () => {
  const cases: [unknown, string | null][] = [
    [['', ''], null],
    [
      ['org.freedesktop.systemd1.BadUnitSetting', 'Unit app.service has a bad setting.'],
      'Unit app.service has a bad setting.',
    ],
    [['org.freedesktop.systemd1.NoSuchUnit', ''], 'org.freedesktop.systemd1.NoSuchUnit'],
  ];
  for (const [value, expected] of cases)
    assert.is(factsFrom('a.service', new Map([['LoadError', value]]), 'system').loadError, expected);
});

test('S4: given up is a unit that failed although it was to be restarted', () => {
  const cases: [Partial<UnitFacts>, boolean][] = [
    [{}, false],
    [{ activeState: 'failed', restart: 'always' }, true],
    [{ activeState: 'failed', restart: 'on-failure' }, true],
    [{ activeState: 'failed', restart: 'no' }, false],
    [{ activeState: 'failed', restart: 'no', result: 'start-limit-hit' }, true],
    [{ activeState: 'activating', subState: 'auto-restart' }, false],
  ];
  for (const [changed, expected] of cases) assert.is(hasGivenUp(factsWith(changed)), expected, JSON.stringify(changed));
});

test('S3: up is active with a main process, or without one by design', () => {
  const cases: [Partial<UnitFacts>, boolean][] = [
    [{}, true],
    [{ mainPid: 0 }, false],
    [{ mainPid: 0, type: 'forking' }, true],
    [{ mainPid: 0, type: 'forking', subState: 'exited' }, false],
    [{ activeState: 'reloading', subState: 'reload' }, true],
    [{ activeState: 'reloading', subState: 'reload', mainPid: 0 }, false],
    [{ subState: 'exited' }, false],
    [{ mainPid: 0, type: 'oneshot', subState: 'exited' }, true],
    [{ activeState: 'activating', subState: 'start' }, false],
    [{ activeState: 'activating', subState: 'auto-restart' }, false],
    [{ activeState: 'failed', subState: 'failed' }, false],
  ];
  for (const [changed, expected] of cases) assert.is(isUp(factsWith(changed)), expected, JSON.stringify(changed));
});

test('a unit that reads its configuration again is up', () => {
  const states = ['active', 'reloading', 'activating', 'deactivating', 'inactive', 'failed'];
  assert.equal(states.filter(isActive), ['active', 'reloading']);
});
