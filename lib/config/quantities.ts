import { CutoverError } from '../base/errors.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** systemd.time(7): `m` is a minute and `M` a month, so the case of a unit counts. */
const durationUnits: Record<string, number> = {
  ...namesOf(0.001, 'us', 'usec', 'µs'),
  ...namesOf(1, 'ms', 'msec'),
  ...namesOf(second, 's', 'sec', 'second', 'seconds'),
  ...namesOf(minute, 'm', 'min', 'minute', 'minutes'),
  ...namesOf(hour, 'h', 'hr', 'hour', 'hours'),
  ...namesOf(day, 'd', 'day', 'days'),
  ...namesOf(7 * day, 'w', 'week', 'weeks'),
  ...namesOf(30.44 * day, 'M', 'month', 'months'),
  ...namesOf(365.25 * day, 'y', 'year', 'years'),
};

const writtenDurations: [unit: string, ms: number][] = [
  ['d', day],
  ['h', hour],
  ['min', minute],
  ['s', second],
  ['ms', 1],
];

const sizeUnits = ['', 'K', 'M', 'G', 'T', 'P'];

/** What a person may write for a duration; the end of the sentence "expected …". */
export const durationForm = 'a duration such as "30s", "5min" or "1h 30min"';

/** What a person may write for a size. */
export const sizeForm = 'a size such as "500M" or "2G"';

/**
 * Milliseconds of a duration as systemd writes it; a lone number counts seconds.
 * @throws `config` when it is none
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * second);
  if (!/^(\d+(\.\d+)?\s*[a-zA-Z\u00b5]+\s*)+$/.test(trimmed)) throw notA('duration', text, durationForm);
  let ms = 0;
  for (const [, number, unit = ''] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-zA-Z\u00b5]+)/g)) {
    if (!Object.hasOwn(durationUnits, unit)) throw notA('duration', text, durationForm);
    ms += Number(number) * (durationUnits[unit] ?? 0);
  }
  return Math.round(ms);
}

/** A duration as systemd writes it: 5400000 is `1h 30min`. `parseDuration` reads it back exactly. */
export function formatDuration(ms: number): string {
  let left = Math.round(ms);
  const parts: string[] = [];
  for (const [unit, size] of writtenDurations) {
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count}${unit}`);
    left -= count * size;
  }
  return parts.length === 0 ? '0s' : parts.join(' ');
}

/**
 * Bytes of a size as systemd writes it, to base 1024; a lone number counts bytes.
 * @throws `config` when it is none
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGTP]?)B?$/.exec(text.trim());
  const bytes = Math.round(Number(match?.[1]) * 1024 ** sizeUnits.indexOf(match?.[2] ?? ''));
  if (!Number.isSafeInteger(bytes)) throw notA('size', text, sizeForm);
  return bytes;
}

/** A size for people: exact where that is short (`1536M`), else to one decimal (`412.3M`, `120.6K`). */
export function formatSize(bytes: number): string {
  const power = powerOf(bytes);
  // What a person configured is mostly whole megabytes; what a file or a unit has is whole bytes or pages.
  for (const exact of power > 2 ? [power, power - 1] : [power]) {
    if (isWhole(bytes, exact)) return `${bytes / 1024 ** exact}${sizeUnits[exact]}`;
  }
  const rounded = Math.round((bytes / 1024 ** power) * 10) / 10;
  const isFull = rounded === 1024 && power < sizeUnits.length - 1;
  return isFull ? `1${sizeUnits[power + 1]}` : `${rounded}${sizeUnits[power]}`;
}

/** The same where it stands alone among other numbers: one without a letter has its unit in full. */
export function spelledSize(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : formatSize(bytes);
}

/** A size that `parseSize` reads back exactly, in its largest unit: `1536M`, `1234567`. */
export function exactSize(bytes: number): string {
  let power = powerOf(bytes);
  while (!isWhole(bytes, power)) power -= 1;
  return `${bytes / 1024 ** power}${sizeUnits[power]}`;
}

/** The largest unit that a size has at least one of. @param bytes whole */
function powerOf(bytes: number): number {
  return Math.max(0, Math.min(sizeUnits.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
}

function isWhole(bytes: number, power: number): boolean {
  return power === 0 || Number.isInteger(bytes / 1024 ** power);
}

function namesOf(ms: number, ...names: string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, ms]));
}

function notA(kind: string, text: string, form: string): CutoverError {
  return new CutoverError('config', `${JSON.stringify(text)} is not a ${kind}; expected ${form}`);
}
