import * as assert from 'uvu/assert';
import { isCutoverError } from '../../lib/base/errors.ts';
import {
  exactSize,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  spelledSize,
} from '../../lib/config/quantities.ts';
import { suite } from '../suite.ts';

const test = suite('config/quantities');

const durations: [text: string, ms: number][] = [
  ['30', 30_000],
  ['0', 0],
  ['0.5', 500],
  ['30s', 30_000],
  ['5min', 300_000],
  ['5m', 300_000],
  ['5 min', 300_000],
  ['1h 30min', 5_400_000],
  ['1h30min', 5_400_000],
  ['2d', 172_800_000],
  ['1w', 604_800_000],
  ['500ms', 500],
  ['1.5h', 5_400_000],
  ['2000us', 2],
  ['1M', 2_630_016_000],
  [' 2 hours 1 sec ', 7_201_000],
];

test('S12: durations are read as systemd writes them', () => {
  for (const [text, ms] of durations) assert.is(parseDuration(text), ms, text);
});

test('a duration that is none is refused', () => {
  for (const text of ['', 's', '-5s', '5 5', '1h 30', '5parsecs', 'infinity', '1e3', 'NaN', '5constructor']) {
    assert.throws(() => parseDuration(text), refusedAsConfig, text);
  }
});

test('a written duration reads back as itself', () => {
  assert.is(formatDuration(5_400_000), '1h 30min');
  assert.is(formatDuration(0), '0s');
  for (const ms of [1, 812, 60_000, 61_234, 5_400_000, 604_800_000, 90_061_001]) {
    assert.is(parseDuration(formatDuration(ms)), ms);
  }
});

test('sizes are read to base 1024', () => {
  const sizes: [string, number][] = [
    ['500M', 524_288_000],
    ['2G', 2_147_483_648],
    ['512K', 524_288],
    ['1024', 1024],
    ['1.5G', 1_610_612_736],
    ['10B', 10],
    ['0', 0],
  ];
  for (const [text, bytes] of sizes) assert.is(parseSize(text), bytes, text);
  for (const text of ['', 'M', '-1M', '5m', '80%', '1e3', '99999999P']) {
    assert.throws(() => parseSize(text), refusedAsConfig, text);
  }
});

test('a size is written short', () => {
  const sizes: [number, string][] = [
    [0, '0'],
    [512, '512'],
    [1023, '1023'],
    [1024, '1K'],
    [123_456, '120.6K'],
    [1_048_575, '1M'],
    [1_234_567, '1.2M'],
    [47_316_992, '45.1M'],
    [524_288_000, '500M'],
    [432_329_318, '412.3M'],
    [1_073_741_823, '1G'],
    [1_610_612_736, '1536M'],
    [1_153_433_600, '1100M'],
    [5_497_558_138_880, '5T'],
  ];
  for (const [bytes, text] of sizes) assert.is(formatSize(bytes), text);
  assert.equal([209, 1024].map(spelledSize), ['209 bytes', '1K']);
});

test('a size of the configuration is written so that it reads back exactly', () => {
  const sizes = [0, 1023, 1024, 123_456, 47_316_992, 524_288_000, 1_234_567, 1_610_612_736, Number.MAX_SAFE_INTEGER];
  for (const bytes of sizes) assert.is(parseSize(exactSize(bytes)), bytes);
  assert.equal([1_610_612_736, 47_316_992, 1_234_567].map(exactSize), ['1536M', '46208K', '1234567']);
});

function refusedAsConfig(error: unknown): boolean {
  return isCutoverError(error, 'config');
}
