import { errnoOf, messageOf } from '../../base/errors.ts';
import { readRegularFile } from '../../base/regular-file.ts';
import { shellWord } from '../../base/shell-words.ts';
import type { EnvOptions } from '../../config/check-options.ts';
import { type Answer, fail, pass } from '../check.ts';
import { combined } from './combined.ts';
import type { Kind } from './kind.ts';
import { askOwnership } from './ownership.ts';

/** B4: an environment file is whose it must be, and gives the keys a value. No value is ever told. */
export const envKind: Kind<EnvOptions> = {
  async ask({ path, keys, ...ownership }, { mayMend }) {
    const whose = await askOwnership(path, ownership, mayMend);
    if (keys.length === 0) return whose;
    return combined([
      ['file', whose],
      ['keys', await askKeys(path, keys)],
    ]);
  },
};

async function askKeys(path: string, keys: readonly string[]): Promise<Answer> {
  const expected = `a value for ${keys.join(', ')}`;
  const text = await readRegularFile(path).catch((error: unknown) => error);
  if (typeof text !== 'string') {
    const why = errnoOf(text) ?? messageOf(text);
    return fail(`cannot be read: ${why}`, expected, `ls -ld ${shellWord(path)}`);
  }
  const given = keysWithValue(text);
  const missing = keys.filter((key) => !given.has(key));
  if (missing.length === 0) return pass(`${keys.length} of ${keys.length} keys have a value`, expected);
  return fail(`no value for ${missing.join(', ')}`, expected, `editor ${shellWord(path)}`);
}

/** One assignment: a quoted value may go over lines, and what looks like an assignment inside it is none. */
const assignment =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=(?:[ \t]*"((?:\\[^]|[^"\\])*)"|[ \t]*'([^']*)'|([^\n]*))/gm;

/** The names that an environment file gives a value other than the empty one; of several, the last counts. */
export function keysWithValue(text: string): Set<string> {
  const given = new Set<string>();
  for (const [, key = '', double, single, plain] of text.matchAll(assignment)) {
    const value = double ?? single ?? (plain ?? '').replace(/[ \t]#.*$/, '').trim();
    if (value === '') given.delete(key);
    else given.add(key);
  }
  return given;
}
