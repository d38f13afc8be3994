import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd } from '../process.ts';

const mebibyte = 2 ** 20;

/** What the archive holds: as a service with its packages and a few large files. */
export const contents = { small: 20_000, large: 8, largeBytes: 106 * mebibyte };

/** How an archive is packed, and with what GNU tar unpacks it. */
export interface Packed {
  name: string;
  path: string;
  bytes: number;
  /** GNU tar's own options for it */
  options: string[];
}

/** Makes one tree of some 1 GB and packs it in the three ways that `cutover add` takes. */
export async function makeArchives(directory: string): Promise<Packed[]> {
  const tree = join(directory, 'tree');
  writeTree(tree);
  const tar = join(directory, 'app.tar');
  await runToEnd(['tar', '--create', '--file', tar, '--directory', tree, '.']);
  await rm(tree, { recursive: true });
  await runToEnd(['gzip', '-1', '--keep', tar]);
  await runToEnd(['zstd', '-q', '-3', '-k', tar]);
  const ways: [name: string, ending: string, options: string[]][] = [
    ['.tar', '', []],
    ['.tar.gz', '.gz', ['--gzip']],
    ['.tar.zst', '.zst', ['--zstd']],
  ];
  return Promise.all(
    ways.map(async ([name, ending, options]) => {
      const path = `${tar}${ending}`;
      return { name, path, bytes: (await stat(path)).size, options };
    }),
  );
}

/** Text of digits: it packs to less than half, as programs do. */
function writeTree(tree: string): void {
  const text = Buffer.from(randomBytes(mebibyte).toString('hex'));
  const sizes = [300, 2_000, 8_000, 20_000];
  for (let at = 0; at < contents.small; at += 1) {
    const folder = join(tree, 'node_modules', `package${Math.floor(at / 40)}`, 'lib');
    if (at % 40 === 0) mkdirSync(folder, { recursive: true });
    write(join(folder, `file${at}.js`), [text.subarray(at, at + (sizes[at % sizes.length] ?? 0))]);
  }
  mkdirSync(join(tree, 'data'));
  for (let at = 0; at < contents.large; at += 1) {
    const pieces = Array.from({ length: contents.largeBytes / mebibyte }, (_, piece) => {
      const from = (at * 1013 + piece * 7919) % mebibyte;
      return text.subarray(from, from + mebibyte);
    });
    write(join(tree, 'data', `large${at}.bin`), pieces);
  }
}

function write(path: string, pieces: readonly Buffer[]): void {
  const file = openSync(path, 'w');
  for (const piece of pieces) writeSync(file, piece);
  closeSync(file);
}
