import * as assert from 'uvu/assert';
import { expositionOf, type Family, numberText } from '../../../lib/report/metrics/exposition.ts';
import { suite } from '../../suite.ts';
import { parseExposition } from './parser.ts';

const test = suite('report/metrics/exposition');

const gauge = (samples: Family['samples']): Family => ({
  name: 'a_bytes',
  type: 'gauge',
  help: 'What it is.',
  samples,
});

test('R4: a family is told with its help and type first, and a line feed last', () => {
  const text = expositionOf([
    gauge([
      { labels: {}, value: 3 },
      { labels: { app: 'shop', le: '0.5' }, value: 2.5 },
    ]),
    { name: 'b_total', type: 'counter', help: 'Nothing of it.', samples: [] },
  ]);
  assert.is(text, '# HELP a_bytes What it is.\n# TYPE a_bytes gauge\na_bytes 3\na_bytes{app="shop",le="0.5"} 2.5\n');
  assert.is(expositionOf([]), '');
});

test('R4: whatever stands in a label comes back as it was', () => {
  const odd = [
    '',
    '"',
    '\\',
    '\n',
    '\\n',
    '\\"',
    'a\\\\"\n"b',
    '},{',
    'ä→🚀',
    '# HELP',
    '\t',
    '\u0001',
    `"${'\\'.repeat(9)}`,
  ];
  const text = expositionOf([gauge(odd.map((value, at) => ({ labels: { value, at: String(at) }, value: at })))]);
  assert.is(text.split('\n').length, odd.length + 3, 'one line each');
  const samples = parseExposition(text).get('a_bytes')?.samples ?? [];
  assert.equal(
    samples.map(({ labels }) => labels.value),
    odd,
  );
});

test('R4: a help text may hold a backslash and a line feed', () => {
  const help = 'Of C:\\new\nand "more".';
  const text = expositionOf([{ ...gauge([{ labels: {}, value: 1 }]), help }]);
  assert.match(text, '# HELP a_bytes Of C:\\\\new\\nand "more".\n');
});

test('R4: numbers are written as Go reads them', () => {
  const texts: [number, string][] = [
    [0, '0'],
    [-0, '0'],
    [0.1, '0.1'],
    [1e21, '1e+21'],
    [1.5e-7, '1.5e-7'],
    [2 ** 53, '9007199254740992'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [Number.NaN, 'NaN'],
  ];
  for (const [value, text] of texts) assert.is(numberText(value), text);
  const samples = texts.map(([value], at) => ({ labels: { at: String(at) }, value }));
  const read = parseExposition(expositionOf([gauge(samples)]))
    .get('a_bytes')
    ?.samples.map(({ value }) => value);
  assert.equal(
    read,
    texts.map(([value]) => value + 0),
  );
});

test('the parser of these tests takes nothing that the format forbids', () => {
  const head = '# HELP a_bytes What it is.\n# TYPE a_bytes gauge\n';
  const wrong: string[] = [
    `${head}a_bytes 1`,
    `${head}a_bytes 1\r\n`,
    `${head}a_bytes\n`,
    `${head}a_bytes one\n`,
    `${head}a_bytes 0x10\n`,
    `${head}a_bytes Infinity\n`,
    `${head}a-bytes 1\n`,
    `${head}b_bytes 1\n`,
    `${head}a_bytes{a="1"b="2"} 1\n`,
    `${head}a_bytes{a="1",} 1\n`,
    `${head}a_bytes{a="1",a="2"} 1\n`,
    `${head}a_bytes{a="\\t"} 1\n`,
    `${head}a_bytes{a="""} 1\n`,
    `${head}a_bytes{__a="1"} 1\n`,
    `${head}a_bytes 1\na_bytes 2\n`,
    `${head}a_bytes 1\n${head}a_bytes{b="1"} 1\n`,
    `${head}# a comment\na_bytes 1\n`,
    head,
    '# TYPE a_bytes gauge\na_bytes 1\n',
    '# HELP a_bytes What it is.\na_bytes 1\n',
    head.replaceAll('a_bytes', 'a_total').concat('a_total 1\n'),
    head.replace('gauge', 'counter').concat('a_bytes 1\n'),
    head.replaceAll('a_bytes', 'a_ms').concat('a_ms 1\n'),
    `${head.replaceAll('a_bytes', 'a_seconds').replace('gauge', 'histogram')}a_seconds_bucket{le="1"} 1\na_seconds_sum 1\na_seconds_count 1\n`,
  ];
  for (const text of wrong) assert.throws(() => parseExposition(text), undefined, text);
  assert.is(parseExposition(`${head}a_bytes 1\n`).size, 1);
});
