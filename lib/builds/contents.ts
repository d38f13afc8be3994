import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import { intakeLimits } from './intake/limits.ts';
import { contentsName } from './manifest.ts';
import { readOwnFile } from './own-file.ts';

/** What stands at one path of a build. `mode` is in octal digits; a link has none of its own. */
export type Item =
  | { kind: 'file'; mode: string; size: number; sha256: string }
  | { kind: 'directory'; mode: string }
  | { kind: 'link'; to: string };

/** By path from the build's own folder, which has the path "". */
export type Contents = ReadonlyMap<string, Item>;

/** A line has two paths at most: that of a link, and where it leads. */
const mostBytes = intakeLimits.entries * 2 * intakeLimits.pathBytes;

/**
 * The text of a build's list, or null where there is none.
 * @param build the build's directory
 * @throws `no_build` for what no `cutover add` wrote; `permission`
 */
export function readContents(build: string): Promise<string | null> {
  return readOwnFile(join(build, contentsName), {
    mostBytes,
    damaged: (what, cause) => damaged(cause, `: it ${what}`),
  });
}

/** The text of the list: a line of JSON for each path, so that a program can read it and a person too. */
export function formatContents(contents: Contents): string {
  const lines = [...contents]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, item]) => JSON.stringify(rowOf(path, item)));
  return `${lines.join('\n')}\n`;
}

/** @throws `no_build`, with a message that ends "the build … " */
export function parseContents(text: string): Contents {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map(parseRow),
  );
}

/** Ties the list to the manifest. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

type Row = ['f', string, string, number, string] | ['d', string, string] | ['l', string, string];

function rowOf(path: string, item: Item): Row {
  if (item.kind === 'file') return ['f', path, item.mode, item.size, item.sha256];
  return item.kind === 'directory' ? ['d', path, item.mode] : ['l', path, item.to];
}

function parseRow(line: string): [string, Item] {
  try {
    const [letter, path, third, size, sha256] = JSON.parse(line) as Row;
    if (typeof path === 'string' && typeof third === 'string') {
      if (letter === 'd') return [path, { kind: 'directory', mode: third }];
      if (letter === 'l') return [path, { kind: 'link', to: third }];
      if (letter === 'f' && typeof size === 'number' && typeof sha256 === 'string') {
        return [path, { kind: 'file', mode: third, size, sha256 }];
      }
    }
  } catch (error) {
    throw damaged(error);
  }
  throw damaged();
}

function damaged(cause?: unknown, how = ''): CutoverError {
  return new CutoverError('no_build', `has a damaged list of its files: ${contentsName}${how}`, {
    mend: 'take the build in again with cutover add',
    cause,
  });
}
