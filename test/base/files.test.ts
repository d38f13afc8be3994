import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { openAppend } from '../../lib/base/append-file.ts';
import {
  makePrivateDirectory,
  readIfThere,
  readNowIfThere,
  removeIfThere,
  writeDurably,
} from '../../lib/base/files.ts';
import { readLinkIfThere, replaceLink } from '../../lib/base/links.ts';
import { isTemporaryName } from '../../lib/base/temporary-name.ts';
import { openController } from '../../lib/base/wait.ts';
import { takeLock } from '../../lib/run/lock.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';
import { asNobody, makeTmpfs } from './tmpfs.ts';

const test = suite('base/files');
const module = new URL('../../lib/base/files.ts', import.meta.url).href;

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

/** With no mask, the mode that a file gets is the one that was asked for. */
function withoutMask(t: TestContext): void {
  const before = process.umask(0);
  t.cleanup(() => process.umask(before));
}

test('S8: a file is for its owner alone, unless another mode is asked for', async (t) => {
  withoutMask(t);
  const directory = await makeDirectory(t);
  await writeDurably(join(directory, 'state'), 'one');
  await writeDurably(join(directory, 'public'), 'two', 0o644);
  const file = await openAppend(join(directory, 'ledger'));
  await file.close();
  await makePrivateDirectory(join(directory, 'a/b'));
  assert.is(await modeOf(join(directory, 'state')), '600');
  assert.is(await modeOf(join(directory, 'public')), '644');
  assert.is(await modeOf(join(directory, 'ledger')), '600');
  assert.is(await modeOf(join(directory, 'a')), '700');
  assert.is(await modeOf(join(directory, 'a/b')), '700');
});

test("W4: what root writes in another user's directory is that user's, and a link gives nothing away", async (t) => {
  requireRoot();
  const directory = await makeDirectory(t);
  const uidOf = async (name: string): Promise<number> => (await lstat(join(directory, name))).uid;
  await writeDurably(join(directory, 'own'), 'one');
  await makePrivateDirectory(join(directory, 'mine'));
  await chown(directory, 65_534, 65_534);
  await symlink(join(directory, 'own'), join(directory, 'link'));
  for (const name of ['state', 'link']) await writeDurably(join(directory, name), 'two');
  await makePrivateDirectory(join(directory, 'a/b/c'));
  await makePrivateDirectory(join(directory, 'mine'));
  const lock = await takeLock(statePathsIn(directory), {
    doing: 'prune',
    waitMs: 0,
    signal: openController().signal,
    onWaiting: () => {},
  });
  await lock.release();
  for (const name of ['state', 'link', 'a', 'a/b', 'a/b/c', 'lock']) assert.is(await uidOf(name), 65_534, name);
  for (const name of ['own', 'mine']) assert.is(await uidOf(name), 0, name);
  assert.is(await readFile(join(directory, 'own'), 'utf8'), 'one');
});

test('S8: a replaced file has the new text, and nothing else is left', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'state');
  await writeDurably(path, 'a longer text than the next');
  await writeDurably(path, 'short');
  assert.is(await readFile(path, 'utf8'), 'short');
  assert.equal(await readdir(directory), ['state']);
});

/** Reads without a pause until it is told to stop; answers how often, and what was not whole. */
const reader = `
  const fs = require('node:fs');
  const [path, stop] = process.argv.slice(1);
  const seen = new Set();
  const broken = [];
  let reads = 0;
  for (let isLast = false; !isLast; ) {
    isLast = reads % 64 === 0 && fs.existsSync(stop);
    reads += 1;
    try {
      const text = fs.readFileSync(path, 'utf8');
      if (!/^(a{65536}|b{65536})$/.test(text)) broken.push(text.length);
      seen.add(text[0]);
    } catch (error) {
      broken.push(error.message);
    }
    if (reads === 64) process.stderr.write('reading');
  }
  console.log(JSON.stringify({ broken: broken.slice(0, 3), seen: seen.size }));
`;

test('S8: a reader in another process finds the old text or the new one, whole', async (t) => {
  const directory = await makeDirectory(t);
  const [path, stop] = [join(directory, 'state'), join(directory, 'stop')];
  await writeDurably(path, 'a'.repeat(65_536));
  const child = spawn(process.execPath, ['-e', reader, path, stop]);
  t.cleanup(() => child.kill('SIGKILL'));
  const answer = text(child.stdout);
  await once(child.stderr, 'data');
  // The last text is another than the first, and is read once more after the stop.
  for (let times = 0; times < 301; times += 1) await writeDurably(path, (times % 2 ? 'a' : 'b').repeat(65_536));
  await writeFile(stop, '');
  assert.equal(JSON.parse(await answer), { broken: [], seen: 2 });
});

test('S8: writers at the same moment leave one whole text and no temporary file', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'state');
  await Promise.all(Array.from({ length: 20 }, (_, at) => writeDurably(path, String(at).repeat(1000))));
  assert.match(await readFile(path, 'utf8'), /^(\d\d?)\1{999}$/);
  assert.equal(await readdir(directory), ['state']);
});

test('S8: a writer that is killed at any moment leaves a whole file, and what else it leaves is known', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'state');
  const code = `
    const { writeDurably } = await import(${JSON.stringify(module)});
    for (let times = 0; ; times += 1) {
      await writeDurably(${JSON.stringify(path)}, (times % 2 ? 'a' : 'b').repeat(65536));
      if (times === 0) console.log('writing');
    }`;
  for (let times = 0; times < 5; times += 1) {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code]);
    t.cleanup(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    // Any moment will do: this is not a wait for something.
    await sleep(Math.random() * 20);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.match(await readFile(path, 'utf8'), /^(a{65536}|b{65536})$/);
    const left = (await readdir(directory)).filter((name) => name !== 'state');
    assert.ok(left.every(isTemporaryName), left.join(' '));
  }
});

test('S8: a name in use by a directory is an error, and no temporary file is left', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'state');
  await mkdir(join(path, 'inner'), { recursive: true });
  await rejection(writeDurably(path, 'text'));
  await rejection(replaceLink(path, 'inner'));
  assert.equal(await readdir(directory), ['state']);
  assert.is((await rejection(writeDurably(join(directory, 'nowhere/state'), 'text'))).code, 'ENOENT');
});

test('S8: on a full disk the old text stays, no temporary file is left, and the error says what is full', async (t) => {
  const { path: directory } = await makeTmpfs(t, 65_536);
  const path = join(directory, 'state');
  await writeDurably(path, 'old');
  const error = await rejection(writeDurably(path, 'x'.repeat(200_000)));
  assert.is(error.code, 'disk');
  assert.match(error.message, `cannot write ${path}: no space left`);
  assert.match(error.mend ?? '', 'df -h');
  assert.is(await readFile(path, 'utf8'), 'old');
  assert.equal(await readdir(directory), ['state']);
  await writeDurably(path, 'new');
  assert.is(await readFile(path, 'utf8'), 'new');
});

test('S8: a ledger on a full disk says so, and goes on once there is space', async (t) => {
  const { path: directory, remount } = await makeTmpfs(t, 65_536);
  const file = await openAppend(join(directory, 'ledger'));
  t.cleanup(() => file.close());
  await file.append('first\n', { sync: true });
  assert.is((await rejection(file.append('x'.repeat(200_000), { sync: true }))).code, 'disk');
  await remount('size=10m');
  await file.append('\nlast\n', { sync: true });
  assert.match(await readFile(file.path, 'utf8'), /^first\nx*\nlast\n$/);
});

test('S8: a read-only file system is no question of who one is, and the file or the link is named', async (t) => {
  const { path: directory, remount } = await makeTmpfs(t, 65_536);
  await remount('ro');
  const [file, link] = [join(directory, 'state'), join(directory, 'current')];
  const acts: [string, () => Promise<unknown>][] = [
    [`write ${file}`, () => writeDurably(file, 'x')],
    [`move the link ${link}`, () => replaceLink(link, 'x')],
  ];
  for (const [does, act] of acts) {
    const error = await rejection(act());
    assert.is(error.code, 'permission');
    assert.match(error.message, `cannot ${does}: the file system is read-only`);
    assert.match(error.mend ?? '', 'remount,rw');
  }
});

test('S8: what is not allowed is named with its path, whatever is tried', async (t) => {
  const directory = await makeDirectory(t);
  await chmod(directory, 0o755);
  const secret = join(directory, 'secret');
  await writeFile(secret, 'hush', { mode: 0o600 });
  const locked = join(directory, 'locked');
  await mkdir(locked, { mode: 0o700 });
  const acts: [string, () => Promise<unknown>][] = [
    ['write', () => writeDurably(join(directory, 'state'), 'text')],
    ['link', () => replaceLink(join(directory, 'current'), 'x')],
    ['append', () => openAppend(secret)],
    ['read', () => readIfThere(secret)],
    ['read a link', () => readLinkIfThere(join(locked, 'current'))],
    ['remove', () => removeIfThere(secret)],
    ['create', () => makePrivateDirectory(join(directory, 'new'))],
  ];
  for (const [name, act] of acts) {
    const error = await asNobody(() => rejection(act()));
    assert.is(error.code, 'permission', `${name}: ${error.message}`);
    assert.match(error.message, directory, name);
    assert.match(error.mend ?? '', 'ls -ld', name);
  }
  assert.equal((await readdir(directory)).toSorted(), ['locked', 'secret']);
});

test('S6: a link is replaced in one step, and nothing else is left', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'current');
  await replaceLink(path, 'one');
  await replaceLink(path, 'two');
  assert.is(await readlink(path), 'two');
  assert.equal(await readdir(directory), ['current']);
});

test('S8: what is not there is null, and removing it is nothing', async (t) => {
  const directory = await makeDirectory(t);
  await writeFile(join(directory, 'file'), 'text');
  await symlink('nowhere', join(directory, 'link'));
  assert.is(await readIfThere(join(directory, 'none')), null);
  assert.is(await readIfThere(join(directory, 'file/none')), null);
  assert.is(await readIfThere(join(directory, 'link')), null);
  assert.is(await readLinkIfThere(join(directory, 'none')), null);
  assert.is(await readLinkIfThere(join(directory, 'link')), 'nowhere');
  assert.is((await rejection(readLinkIfThere(join(directory, 'file')))).code, 'EINVAL');
  for (const name of ['none', 'none', 'link', 'link', 'file', 'file']) await removeIfThere(join(directory, name));
  assert.equal(await readdir(directory), []);
});

test('S8: only our own temporary names are temporary', () => {
  const cases: [string, boolean][] = [
    ['.current.0123abcd.tmp', true],
    ['.in-flight.ffffffff.tmp', true],
    ['.quarantine.json.00000000.tmp', true],
    ['current.0123abcd.tmp', false],
    ['.current.0123ABCD.tmp', false],
    ['.current.0123abc.tmp', false],
    ['.current.0123abcde.tmp', false],
    ['.current.0123abcd.tmp~', false],
    ['..0123abcd.tmp', false],
    ['.0123abcd.tmp', false],
  ];
  for (const [name, expected] of cases) assert.is(isTemporaryName(name), expected, name);
});

test('S8: an appended file keeps what was there', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'ledger');
  for (const line of ['one\n', 'two\n']) {
    const file = await openAppend(path);
    await file.append(line, { sync: true });
    await file.close();
  }
  assert.is(await readFile(path, 'utf8'), 'one\ntwo\n');
});

test('S8: a pipe, a device and a socket have no text, and nobody waits for one; a directory is told of', async (t) => {
  const directory = await makeDirectory(t);
  const at = (name: string): string => join(directory, name);
  execFileSync('mkfifo', [at('pipe')]);
  await symlink('/dev/zero', at('device'));
  const server = createServer().listen(at('socket'));
  t.cleanup(() => server.close());
  await once(server, 'listening');
  await mkdir(at('directory'));
  for (const name of ['pipe', 'device', 'socket']) {
    assert.equal([await readIfThere(at(name)), readNowIfThere(at(name))], ['', ''], name);
  }
  const told = ['refused', `cannot read ${at('directory')}: it is a directory`];
  for (const read of [readIfThere, async (path: string) => readNowIfThere(path)]) {
    const { code, message } = await rejection(read(at('directory')));
    assert.equal([code, message], told);
  }
});

test('S8: files of the kernel, which have no length, are read', async () => {
  assert.match((await readIfThere('/proc/self/stat')) ?? '', `${process.pid} (`);
});
