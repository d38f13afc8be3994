import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { actsOf, type Note } from './losses.ts';

const test = suite('disk/functions');
const [one, two] = ['dist.20260203-123600', 'dist.20260203-151116'] as const;

// Before anything of it is loaded: what a module takes of `node:fs` it takes when it begins.
const seen: Note[] = [];
const { noteDisk } = createRequire(import.meta.url)('./notes.cjs') as {
  noteDisk: (tell: (note: Note) => void) => void;
};
noteDisk((note) => void seen.push(note));
const { openAppend } = await import('../../lib/base/append-file.ts');
const files = await import('../../lib/base/files.ts');
const { removeCurrent, swapCurrent } = await import('../../lib/builds/swap.ts');
const { removeBuilds } = await import('../../lib/builds/removal.ts');
const { publish } = await import('../../lib/database/work.ts');
const { makeDirectories } = await import('../../lib/deployer/init/files.ts');
const { makeTaking } = await import('../builds/intake/taking.ts');
const { tarOf } = await import('../builds/intake/archive.ts');

async function addLine(path: string): Promise<void> {
  const file = await openAppend(path);
  await file.append('line\n', { sync: true });
  await file.close();
}

/** What is done in a folder that has two builds, a file and a link to the first build. */
const works: [what: string, act: string, work: (folder: string) => Promise<unknown>][] = [
  ['S6: the link is moved', 'rename FOLDER/current', (folder) => swapCurrent(folder, two)],
  ['S6: the link is taken away', 'unlink FOLDER/current', removeCurrent],
  ['S8: a file is replaced', 'rename FOLDER/file', (folder) => files.writeDurably(join(folder, 'file'), 'new')],
  ['S8: a file is removed', 'unlink FOLDER/file', (folder) => files.removeIfThere(join(folder, 'file'))],
  ['S8: a ledger is begun', 'end', (folder) => addLine(join(folder, 'ledger'))],
  ['S8: a ledger is gone on with', 'end', (folder) => addLine(join(folder, 'file'))],
  [
    'P3: a backup gets its name',
    'rename FOLDER/backup',
    (folder) => publish(join(folder, 'file'), join(folder, 'backup')),
  ],
  ['P8: folders are made', 'end', (folder) => makeDirectories(join(folder, 'a/b/c'))],
];

for (const [what, wanted, work] of works) {
  test(`${what}: nothing of it is lost with the power`, async (t) => {
    const folder = await makeFolder(t);
    const acts = await actsBelow(folder, () => work(folder));
    const names = acts.map((act) => act.what);
    assert.ok(names.includes(wanted.replace('FOLDER', folder)), names.join(', '));
    assert.equal(
      acts.flatMap(({ what: done, lost, inside = [] }) => (done === 'end' ? lost : inside)),
      [],
    );
  });
}

test('S6: a link that leads there already, as after a death between rename and fsync, is on the disk too', async (t) => {
  const folder = await makeFolder(t);
  const from = seen.length;
  assert.is(await swapCurrent(folder, one), false);
  const synced = seen.slice(from).filter(({ what }) => what === 'synced');
  assert.equal(
    synced.map(({ path }) => path),
    [folder],
  );
});

test('W3: builds are out of reach on the disk before anything is taken out of them', async (t) => {
  const folder = await makeFolder(t);
  const from = seen.length;
  let lost: string[] = ['nobody looked'];
  const mayGo = async (aside: readonly string[]): Promise<Set<string>> => {
    lost = lostBelow(folder, from);
    return new Set(aside);
  };
  const { problems } = await removeBuilds(folder, [two], { mayGo, signal: t.signal });
  assert.is(problems.size, 0);
  assert.equal(lost, []);
});

test('P1: a build that was taken in has its name on the disk', async (t) => {
  const taking = await makeTaking(t);
  const builds = await realpath(taking.builds);
  const from = seen.length;
  const { id } = await taking.add(tarOf({ name: 'app', body: 'x' }));
  assert.ok(seen.slice(from).some(({ what, to }) => what === 'rename' && to === join(builds, id)));
  assert.equal(
    lostBelow(builds, from).filter((name) => name.includes(id)),
    [],
  );
});

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'cutover-disk-')));
  t.cleanup(() => rm(folder, { recursive: true }));
  for (const build of [one, two]) await mkdir(join(folder, build));
  await writeFile(join(folder, 'file'), 'old');
  await symlink(one, join(folder, 'current'));
  return folder;
}

async function actsBelow(folder: string, work: () => Promise<unknown>) {
  const from = seen.length;
  await work();
  return actsOf(seen.slice(from), (path) => path === folder || path.startsWith(`${folder}/`));
}

/** What a power cut would take now. */
function lostBelow(folder: string, from: number): string[] {
  const acts = actsOf(seen.slice(from), (path) => path === folder || path.startsWith(`${folder}/`));
  return acts.at(-1)?.lost ?? [];
}
