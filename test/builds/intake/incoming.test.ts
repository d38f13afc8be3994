import { chmod, chown, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as assert from 'uvu/assert';
import { openController, poll } from '../../../lib/base/wait.ts';
import { clearIncoming, openIncoming } from '../../../lib/builds/intake/incoming.ts';
import { compareBuildIds } from '../../../lib/builds/layout.ts';
import { listBuildIds } from '../../../lib/builds/list.ts';
import { CutoverError } from '../../../lib/base/errors.ts';
import { addBuild } from '../../../lib/deployer/add.ts';
import { requireRoot } from '../../root.ts';
import { suite } from '../../suite.ts';
import { rejection } from '../directory.ts';
import { tarOf } from './archive.ts';
import { assertUntouched, makeTaking, streamOf } from './taking.ts';

const test = suite('builds/intake/incoming');

const { signal } = openController();
const archive = tarOf({ name: 'app.js', body: 'x'.repeat(30_000) }, { name: 'd/more', body: 'y' });

test('W3: what dead commands left is removed, what one is at work on is not', async (t) => {
  const { builds, around } = await makeTaking(t);
  const incoming = join(builds, '.incoming');
  const atWork = await openIncoming(builds, signal);
  await writeFile(join(atWork.path, 'half'), 'half');
  await mkdir(join(incoming, 'dead/d'), { recursive: true });
  await writeFile(join(incoming, 'dead/d/half'), 'half');
  await chmod(join(incoming, 'dead/d'), 0o500);
  await writeFile(join(incoming, 'file'), '');
  await mkdir(join(around, 'of-value/in'), { recursive: true });
  await symlink(join(around, 'of-value'), join(incoming, 'link'));
  assert.equal((await clearIncoming(builds, signal)).toSorted(), ['dead', 'file', 'link']);
  assert.equal(await readdir(incoming), [atWork.path.slice(incoming.length + 1)]);
  assert.equal([await readdir(atWork.path), await readdir(join(around, 'of-value'))], [['half'], ['in']]);
  await atWork.close();
  assert.equal([await readdir(incoming), await clearIncoming(builds, signal)], [[], []]);
});

test('W3: the next add removes what dead ones left', async (t) => {
  const taking = await makeTaking(t);
  await mkdir(join(taking.builds, '.incoming/dead'), { recursive: true });
  await taking.add(archive);
  assert.equal(await readdir(join(taking.builds, '.incoming')), []);
});

test('P1: many at once each get a name of their own, while others clear away', async (t) => {
  const taking = await makeTaking(t);
  const over = openController();
  const clearing = (async () => {
    while (!over.signal.aborted) await clearIncoming(taking.builds, signal);
  })();
  const added = await Promise.all(Array.from({ length: 12 }, () => taking.add(archive)));
  over.abort();
  await clearing;
  assert.is(new Set(added.map(({ id }) => id)).size, 12);
  assert.equal(await listBuildIds(taking.builds), added.map(({ id }) => id).toSorted(compareBuildIds));
  for (const { path } of added) assert.equal((await readdir(path)).length, 4);
});

test('P1: who may write the builds directory through its group may add too, and nobody looks into what comes', async (t) => {
  for (const [own, wanted] of [
    [0o755, '700'],
    [0o2775, '770'],
    [0o777, '770'],
  ] as const) {
    const { builds } = await makeTaking(t);
    await chmod(builds, own);
    const folder = await openIncoming(builds, signal);
    const modes = [join(builds, '.incoming'), folder.path].map(async (name) =>
      ((await stat(name)).mode & 0o777).toString(8),
    );
    assert.equal(await Promise.all(modes), [wanted, '700']);
    await folder.close();
  }
});

test('P1: a builds directory may be a link', async (t) => {
  const taking = await makeTaking(t);
  const linked = join(taking.around, 'linked');
  await symlink(taking.builds, linked);
  const place = { ...taking.place, target: { ...taking.place.target, builds: linked } };
  const { id } = await addBuild(place, { archive: streamOf(archive) });
  assert.equal(await listBuildIds(taking.builds), [id]);
});

test('P1: an archive that has come may take its time to be written', async (t) => {
  const taking = await makeTaking(t);
  const files = Array.from({ length: 2000 }, (_, at) => ({ name: `f${at}`, body: 'x' }));
  // Quick to come, slower to be compared and written than its sender may be silent.
  const { files: count } = await taking.add(Readable.from([tarOf(...files)]), { stallMs: 60 });
  assert.is(count, 2000);
});

test('P1: a sender that falls silent is given up, and nothing stays', async (t) => {
  const taking = await makeTaking(t);
  const before = await taking.look();
  const silent = new Readable({ read() {} });
  silent.push(archive.subarray(0, 20_000));
  const began = performance.now();
  const error = await rejection(taking.add(silent, { stallMs: 300 }));
  assert.equal([error.code, error.message], ['refused', 'nothing came for 0.3 s: the archive is given up']);
  assert.ok(performance.now() - began < 30_000 && silent.destroyed);
  await assertUntouched(taking, before);
});

test('P1: a sender that breaks off is told of, and nothing stays', async (t) => {
  const taking = await makeTaking(t);
  const before = await taking.look();
  const broken = Readable.from(brokenOff());
  assert.is((await rejection(taking.add(broken))).message, 'the line went dead');
  await assertUntouched(taking, before);
});

test('P1: an interruption leaves nothing, at whatever time it comes', async (t) => {
  const taking = await makeTaking(t);
  const before = await taking.look();
  const interruption = new CutoverError('interrupted', 'interrupted');
  let added = 0;
  for (let afterMs = 0; afterMs < 120; afterMs += 5) {
    const controller = openController();
    const place = { ...taking.place, signal: controller.signal };
    setTimeout(() => controller.abort(interruption), afterMs);
    try {
      const { path } = await addBuild(place, { archive: streamOf(archive, 500) });
      assert.is((await readdir(path)).length, 4);
      added += 1;
    } catch (error) {
      assert.is(error, interruption);
    }
    assert.equal(await readdir(join(taking.builds, '.incoming')).catch(() => []), []);
  }
  console.log(`${added} of 24 were through before the interruption`);
  assert.ok(added < 24);
  assert.is((await listBuildIds(taking.builds)).length, added);
  if (added === 0) await assertUntouched(taking, before);
});

test('P1: a builds directory that belongs to another user gets a build of that user, made with no more rights', async (t) => {
  requireRoot();
  const taking = await makeTaking(t);
  await chmod(taking.around, 0o755);
  await chown(taking.builds, 65_534, 65_534);
  const { path } = await taking.add(archive);
  for (const name of ['.', 'app.js', 'd', 'd/more', '.cutover.json', '.cutover.files', '../.incoming']) {
    const { uid, gid } = await lstat(join(path, name));
    assert.equal([uid, gid], [65_534, 65_534], name);
  }
  // The user puts a link in the place of the folder that root unpacks into.
  const target = join(taking.around, 'of-root');
  await mkdir(target, { mode: 0o755 });
  const incoming = join(taking.builds, '.incoming');
  async function* pieces() {
    const [name] = await readdir(incoming);
    await rename(join(incoming, name as string), join(incoming, 'aside'));
    await symlink(target, join(incoming, name as string));
    yield archive;
  }
  await rejection(taking.add(Readable.from(pieces())));
  assert.equal(await readdir(target), []);
  const { uid } = await lstat(target);
  assert.is(uid, 0);
  assert.is((await listBuildIds(taking.builds)).length, 1);
});

test('P1: members of a group that share a builds directory share what comes in, and clear away what is their own', async (t) => {
  const taking = await makeTaking(t);
  const { builds } = taking;
  const incoming = join(builds, '.incoming');
  await chmod(taking.around, 0o755);
  await chown(builds, one, shared);
  await chmod(builds, 0o770);
  const atWork = await asMember(one, () => openIncoming(builds, signal));
  const { gid, mode } = await stat(incoming);
  assert.equal([gid, mode & 0o777], [shared, 0o770]);
  // Its process died, and the other member, and root, come by.
  const left = await asMember(one, async () => {
    await mkdir(join(incoming, 'dead/d'), { recursive: true, mode: 0o700 });
    return readdir(incoming);
  });
  assert.is(left.length, 2);
  await asMember(other, async () => {
    assert.equal(await clearIncoming(builds, signal), []);
    const folder = await openIncoming(builds, signal);
    assert.equal((await readdir(incoming)).length, 3);
    await folder.close();
    await mkdir(join(incoming, 'of-the-other/d'), { recursive: true, mode: 0o700 });
  });
  assert.equal(await clearIncoming(builds, signal), ['dead'], "root clears in the directory's owner's name");
  assert.equal(await asMember(other, () => clearIncoming(builds, signal)), ['of-the-other']);
  await asMember(one, () => atWork.close());
  assert.equal(await readdir(incoming), []);
});

/** Two users, each with a group of their own, and one that both are in. */
const [one, other, shared] = [54_321, 54_322, 54_323];

/** Does work as one of the two; the process is root again afterwards. */
async function asMember<T>(uid: number, work: () => Promise<T>): Promise<T> {
  assert.is(process.getuid?.(), 0, 'it takes root to be another user');
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([shared]);
  process.setegid?.(uid);
  process.seteuid?.(uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

test('W4: the owner of the builds directory cannot read what root has in its environment', async (t) => {
  assert.is(process.getuid?.(), 0, 'it takes root to be another user');
  const taking = await makeTaking(t);
  await chmod(taking.around, 0o755);
  await chown(taking.builds, 65_534, 65_534);
  process.env.CANARY = taking.around;
  t.cleanup(() => void delete process.env.CANARY);
  const seen: string[] = [];
  async function* pieces() {
    yield archive.subarray(0, 20_000);
    const ofTar = await poll({ everyMs: 5, signal: t.signal }, () => environmentOfOwner('tar', taking.builds));
    seen.push(ofTar);
    yield archive.subarray(20_000);
  }
  await taking.add(Readable.from(pieces()));
  assert.is(seen.length, 1);
  assert.match(seen[0] ?? '', 'PATH=');
  assert.not.match(seen[0] ?? '', 'CANARY');
});

/** Of a program that works in the builds directory as its owner; undefined: there is none now. */
async function environmentOfOwner(program: string, builds: string): Promise<string | undefined> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    const words = (await read('cmdline')).split('\0');
    const isIt = words[0] === program && words.some((word) => word.startsWith(`${builds}/`));
    if (isIt && /^Uid:\s+65534\s/m.test(await read('status'))) return read('environ');
  }
  return undefined;
}

function* brokenOff(): Generator<Buffer> {
  yield archive.subarray(0, 20_000);
  throw new Error('the line went dead');
}
