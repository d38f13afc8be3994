import { isCutoverError } from '../../base/errors.ts';
import { longestWaitMs } from '../../base/wait.ts';
import type { Amount } from '../model.ts';
import { durationForm, exactSize, formatDuration, parseDuration, parseSize, sizeForm } from '../quantities.ts';
import { type ValueType, wrong } from './value-type.ts';

/** A duration that something waits for; `zero`: nothing at all is allowed too. */
export function wait({ zero = false }: { zero?: boolean } = {}): ValueType<number> {
  return durationUpTo(longestWaitMs, zero, `${durationForm}, up to 24 days${zero ? '' : ', not zero'}`);
}

/** A duration of any length, such as the age of a backup. In milliseconds, as every duration inside. */
export const age: ValueType<number> = durationUpTo(Number.MAX_SAFE_INTEGER, false, durationForm);

/** A size, in bytes. */
export const size: ValueType<number> = {
  name: sizeForm,
  parse: (value, path) => quantity({ value, path, form: sizeForm, parse: parseSize }),
  // A rounded size would read back as another one; one in plain bytes is a number.
  format: (bytes) => (/^\d+$/.test(exactSize(bytes)) ? bytes : exactSize(bytes)),
  jsonSchema: { type: ['string', 'integer'], pattern: '^\\s*\\d+(\\.\\d+)?\\s*[KMGTP]?B?\\s*$', minimum: 0 },
};

/** A share of the whole, or a size. */
export const amount: ValueType<Amount> = {
  name: 'a share such as "80%", or a size such as "500M"',
  parse(value, path) {
    const share = typeof value === 'string' ? percentOf(value) : undefined;
    if (share === undefined) return { bytes: quantity({ value, path, form: this.name, parse: parseSize }) };
    if (share > 100) throw wrong(path, 'more than the whole', value, this.name);
    return { percent: share };
  },
  format: (value) => ('percent' in value ? `${value.percent}%` : size.format(value.bytes)),
  jsonSchema: { type: ['string', 'integer'], pattern: '^\\s*\\d+(\\.\\d+)?\\s*([KMGTP]?B?|%)\\s*$', minimum: 0 },
};

/** Processor time: `200%` is two whole processors. */
export const processorShare: ValueType<number> = {
  name: 'a share of one processor such as "150%"',
  parse(value, path) {
    const share = typeof value === 'string' ? percentOf(value) : undefined;
    if (share === undefined || share === 0) throw wrong(path, 'not a share of a processor', value, this.name);
    return share;
  },
  format: (value) => `${value}%`,
  jsonSchema: { type: 'string', pattern: '^\\s*\\d+(\\.\\d+)?\\s*%\\s*$' },
};

function durationUpTo(maxMs: number, zero: boolean, name: string): ValueType<number> {
  return {
    name,
    parse(value, path) {
      const ms = quantity({ value, path, form: name, parse: parseDuration });
      if (ms > maxMs || (ms === 0 && !zero)) throw wrong(path, 'out of range', value, name);
      return ms;
    },
    format: formatDuration,
    jsonSchema: { type: ['string', 'number'], pattern: '^\\s*\\d[\\d.\\sa-zA-Zµ]*$', minimum: 0 },
  };
}

function quantity(read: { value: unknown; path: string; form: string; parse: (text: string) => number }): number {
  const { value, path, form, parse } = read;
  const isNumber = typeof value === 'number' && Number.isFinite(value) && value >= 0;
  if (typeof value !== 'string' && !isNumber) throw wrong(path, 'wrong kind of value', value, form);
  try {
    return parse(String(value));
  } catch (error) {
    if (!isCutoverError(error, 'config')) throw error;
    throw wrong(path, 'cannot be read', value, form);
  }
}

function percentOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  return match ? Number(match[1]) : undefined;
}
