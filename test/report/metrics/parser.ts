/** One line of values as the exposition format has it. */
export interface ParsedSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface ParsedFamily {
  name: string;
  type: string;
  help: string;
  samples: ParsedSample[];
}

const namePattern = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const numberPattern = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const suffixes = ['_bucket', '_sum', '_count'];

/**
 * Reads the text format of Prometheus (version 0.0.4) and takes nothing but what its rules allow, and what its conventions ask for.
 * @throws on whatever a collector would refuse, and on names and units that are no good manners
 */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no line feed');
  if (text.includes('\r')) throw new Error('a carriage return');
  const families = new Map<string, ParsedFamily>();
  let open: ParsedFamily | undefined;
  let helped: { name: string; help: string } | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const [, keyword, name = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${namePattern}) (.*)$`).exec(line) ?? [];
    if (keyword === 'HELP') {
      if (families.has(name) || helped) throw new Error(`out of place: ${line}`);
      helped = { name, help: unescaped(rest, /\\([\\n])/g) };
    } else if (keyword === 'TYPE') {
      if (helped?.name !== name || !['counter', 'gauge', 'histogram'].includes(rest))
        throw new Error(`refused: ${line}`);
      open = { ...helped, type: rest, samples: [] };
      families.set(name, open);
      helped = undefined;
    } else {
      if (!open || helped || line.startsWith('#')) throw new Error(`out of place: ${line}`);
      open.samples.push(parseSample(line, open));
    }
  }
  if (helped) throw new Error(`${helped.name} has no type`);
  for (const family of families.values()) requireGood(family);
  return families;
}

function parseSample(line: string, { name: family, type }: ParsedFamily): ParsedSample {
  const [, name = '', labels, value = ''] = new RegExp(`^(${namePattern})(?:\\{(.*)\\})? (\\S+)$`).exec(line) ?? [];
  const names = type === 'histogram' ? suffixes.map((suffix) => family + suffix) : [family];
  if (!names.includes(name)) throw new Error(`not of ${family}: ${line}`);
  if (!numberPattern.test(value)) throw new Error(`no number: ${line}`);
  return { name, labels: parseLabels(labels ?? '', line), value: Number(value.replace('Inf', 'Infinity')) };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [all = '', name = '', value = ''] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,(?=.)|$)/.exec(rest) ?? [];
    if (all === '') throw new Error(`no label at ${rest}: ${line}`);
    if (name.startsWith('__') || name in labels) throw new Error(`label ${name} is refused: ${line}`);
    labels[name] = unescaped(value, /\\([\\"n])/g);
    rest = rest.slice(all.length);
  }
  return labels;
}

function unescaped(text: string, pattern: RegExp): string {
  const plain = text.replaceAll(pattern, '');
  if (plain.includes('\\')) throw new Error(`an unknown escape in ${text}`);
  return text.replaceAll(pattern, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}

function requireGood({ name, type, help, samples }: ParsedFamily): void {
  if (samples.length === 0) throw new Error(`${name} has no samples`);
  if (!/^[A-Z].*\.$/.test(help)) throw new Error(`${name} is not described in a sentence`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is not called as a ${type} is`);
  if (/_(?:ms|milliseconds|kb|mb|minutes|percent)(?:_|$)/.test(name)) throw new Error(`${name} has no base unit`);
  const series = samples.map((sample) =>
    JSON.stringify([sample.name, ...Object.entries(sample.labels).map(String).toSorted()]),
  );
  if (new Set(series).size < series.length) throw new Error(`${name} has a series twice`);
  for (const { value } of samples) {
    if (type !== 'gauge' && !(value >= 0)) throw new Error(`${name} counts ${value}`);
  }
  if (name.endsWith('_info') && samples.some(({ value }) => value !== 1)) throw new Error(`${name} is not 1`);
  if (type === 'histogram') requireHistogram(name, samples);
}

function requireHistogram(name: string, samples: ParsedSample[]): void {
  const groups = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const of = (suffix: string): ParsedSample[] => group.filter((sample) => sample.name === name + suffix);
    const [buckets, sums, counts] = suffixes.map(of);
    const bounds = (buckets ?? []).map(({ labels: { le = '' } }) => Number(le.replace('Inf', 'Infinity')));
    const values = (buckets ?? []).map(({ value }) => value);
    if (!isRising(bounds) || !isRising(values) || bounds.some(Number.isNaN))
      throw new Error(`${name}: buckets do not rise`);
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name}: no last bucket`);
    if (sums?.length !== 1 || counts?.length !== 1) throw new Error(`${name}: one sum, one count`);
    if (counts[0]?.value !== values.at(-1)) throw new Error(`${name}: the last bucket is not the count`);
  }
}

function isRising(numbers: number[]): boolean {
  return numbers.every((number, at) => at === 0 || number >= (numbers[at - 1] ?? 0));
}

/** The value of one series; its labels may be named in part. */
export function valueOf(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  const wanted = Object.entries(labels);
  const found = (family?.samples ?? []).filter((sample) => {
    return sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value);
  });
  if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)}: ${found.length} series`);
  return found[0]?.value;
}
