import { chmod, link, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ourselves } from '../../../lib/base/acting-user.ts';
import { exec } from '../../../lib/base/exec.ts';
import { openController } from '../../../lib/base/wait.ts';
import type { IncomingFolder } from '../../../lib/builds/intake/incoming.ts';
import type { AcceptedEntry } from '../../../lib/builds/intake/judge.ts';
import { verifyTree } from '../../../lib/builds/intake/tree-check.ts';
import { suite, type TestContext } from '../../suite.ts';
import { makeDirectory, rejection } from '../directory.ts';

const test = suite('builds/intake/tree-check');

const { signal } = openController();
const entry = (kind: AcceptedEntry['kind'], more: Partial<AcceptedEntry> = {}): AcceptedEntry => ({
  kind,
  size: 0,
  to: '',
  sha256: 'digest',
  ...more,
});
const accepted: ReadonlyMap<string, AcceptedEntry> = new Map([
  ['d', entry('directory')],
  ['d/file', entry('file', { size: 4 })],
  ['second', entry('hardlink', { to: 'd/file' })],
  ['link', entry('link', { to: 'd/file' })],
]);

test('P1: what is on the disk as it was judged is listed with its digests', async (t) => {
  const { folder } = await makeUnpacked(t);
  const contents = await verifyTree(folder, { accepted, replaced: new Set(['.cutover.json']) }, signal);
  assert.equal(
    [...contents].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [
      ['d', { kind: 'directory', mode: '755' }],
      ['d/file', { kind: 'file', mode: '644', size: 4, sha256: 'digest' }],
      ['link', { kind: 'link', to: 'd/file' }],
      ['second', { kind: 'file', mode: '644', size: 4, sha256: 'digest' }],
    ],
  );
});

/** What another reader of the archive could have made of it. */
const others: Record<string, [at: string, make: (path: string) => Promise<unknown>]> = {
  'a file more': ['d/more', (path) => writeFile(path, '')],
  'a folder more': ['more', (path) => mkdir(path)],
  'a name of ours that the archive does not have': ['.cutover.files', (path) => writeFile(path, '')],
  'a file less': ['second', (path) => rm(path)],
  'another length': ['d/file', (path) => writeFile(path, 'longer')],
  'another destination': ['link', (path) => rm(path).then(() => symlink('d', path))],
  'a link for a file': ['second', (path) => rm(path).then(() => symlink('d/file', path))],
  'a file for a link': ['link', (path) => rm(path).then(() => writeFile(path, ''))],
  'a file for a folder': ['d', (path) => rm(path, { recursive: true }).then(() => writeFile(path, ''))],
  'a pipe for a file': ['second', (path) => rm(path).then(() => exec(['mkfifo', path], { timeoutMs: 5000 }))],
  'a file with setuid': ['second', (path) => chmod(path, 0o4755)],
  'a folder with setgid': ['d', (path) => chmod(path, 0o2755)],
  'a sticky folder': ['d', (path) => chmod(path, 0o1755)],
  'a file that everybody may write': ['second', (path) => chmod(path, 0o646)],
};

for (const [name, [at, make]] of Object.entries(others)) {
  test(`P1: ${name} on the disk is told from what was judged`, async (t) => {
    const { folder, path } = await makeUnpacked(t);
    await make(join(path, at));
    const error = await rejection(verifyTree(folder, { accepted, replaced: new Set(['.cutover.json']) }, signal));
    assert.match(error.message, /it can be read in two ways, which differ at "/);
    assert.is(error.code, 'no_build');
  });
}

test('P1: an interruption is heard while a large tree is compared', async (t) => {
  const { folder } = await makeUnpacked(t);
  const { signal: ended, abort } = interruption();
  /** What comes of it takes longer than an interruption may have to wait. */
  class Slow extends Map<string, AcceptedEntry> {
    override get(path: string): AcceptedEntry | undefined {
      setImmediate(abort);
      for (const until = performance.now() + 60; performance.now() < until; );
      return super.get(path);
    }
  }
  const compared = verifyTree(folder, { accepted: new Slow(accepted), replaced: new Set(['.cutover.json']) }, ended);
  assert.is(await rejection(compared), ended.reason);
});

function interruption(): { signal: AbortSignal; abort: () => void } {
  const controller = openController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('interrupted')) };
}

async function makeUnpacked(t: TestContext): Promise<{ folder: IncomingFolder; path: string }> {
  const path = await makeDirectory(t);
  await mkdir(join(path, 'd'), { mode: 0o755 });
  await writeFile(join(path, 'd/file'), 'four');
  await link(join(path, 'd/file'), join(path, 'second'));
  await symlink('d/file', join(path, 'link'));
  await writeFile(join(path, '.cutover.json'), 'of the archive');
  return { folder: { path, owner: { uid: 0, ...ourselves }, close: async () => {} }, path };
}
