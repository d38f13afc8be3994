import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as assert from 'uvu/assert';
import { openController } from '../../../lib/base/wait.ts';
import { readTree, type TreeEntry } from '../../../lib/builds/tree.ts';
import { addBuild, type AddedBuild, type AddOptions } from '../../../lib/deployer/add.ts';
import type { Place } from '../../../lib/deployer/place.ts';
import type { TestContext } from '../../suite.ts';
import { makeDirectory } from '../directory.ts';

/** A builds directory, with something of value around it. */
export interface Taking {
  /** the directory that holds the builds directory and what is of value */
  around: string;
  builds: string;
  place: Pick<Place, 'target' | 'signal'>;
  /** Takes an archive in that comes as a stream. */
  add(archive: Buffer | string | Readable, more?: Partial<AddOptions>): Promise<AddedBuild>;
  /** Everything that is there, to the last path. */
  look(): Promise<Map<string, TreeEntry>>;
}

export async function makeTaking(t: TestContext, { around: at }: { around?: string } = {}): Promise<Taking> {
  const around = at ?? (await makeDirectory(t));
  const builds = join(around, 'builds');
  await mkdir(builds, { mode: 0o755 });
  await writeFile(join(around, 'secret'), 'of value');
  const { signal } = openController();
  const place = { target: { name: 'production', builds } as Place['target'], signal };
  return {
    around,
    builds,
    place,
    add: (archive, more = {}) =>
      addBuild(place, { archive: Buffer.isBuffer(archive) ? streamOf(archive) : archive, ...more }),
    async look() {
      const tree = await readTree(around, { signal });
      // The time of what changed in it is all that a folder which comes and goes leaves.
      return new Map(
        [...tree].map(([path, entry]) => [path, entry.kind === 'directory' ? { ...entry, size: 0 } : entry]),
      );
    },
  };
}

/** The bytes in pieces of odd length, as a network gives them. */
export function streamOf(archive: Buffer, pieceBytes = 10_007): Readable {
  return Readable.from(
    (function* pieces() {
      for (let at = 0; at < archive.length; at += pieceBytes) yield archive.subarray(at, at + pieceBytes);
    })(),
  );
}

/** Whether nothing was published, nothing is left, and nothing around was touched. */
export async function assertUntouched(taking: Taking, before: Map<string, TreeEntry>): Promise<void> {
  const after = await taking.look();
  after.delete('builds/.incoming');
  before.delete('builds/.incoming');
  assert.equal([...after], [...before]);
  assert.equal(await readdir(join(taking.builds, '.incoming')).catch(() => []), []);
}
