import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { exec, type ExecResult } from '../../lib/base/exec.ts';
import { openController } from '../../lib/base/wait.ts';
import { compareBuild } from '../../lib/builds/compare.ts';
import { listBuildIds } from '../../lib/builds/list.ts';
import { parse } from '../../lib/cli/parse.ts';
import type { AddedBuild } from '../../lib/deployer/add.ts';
import { tarOf } from '../builds/intake/archive.ts';
import { executable, until } from '../deploy/site.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/add', { timeoutMs: 120_000 });

const { signal } = openController();
const archive = tarOf(
  { name: 'app.js', body: 'console.log(1)' },
  { name: 'data', body: Buffer.alloc(400_000, 'data') },
);
const sha256 = createHash('sha256').update(archive).digest('hex');

test('P1: add prints the build, in words and as one document', async (t) => {
  const shop = await makeShop(t);
  const { code, stdout, stderr } = await shop.call([
    'add',
    'app.tar',
    '--revision',
    '4f2a9c1',
    '--branch',
    'main',
    '--json',
  ]);
  assert.equal([code, stderr], [0, '']);
  const { build } = JSON.parse(stdout) as { build: AddedBuild };
  const { id, path, created_at, ...rest } = build;
  assert.equal(rest, {
    revision: '4f2a9c1',
    branch: 'main',
    source_sha256: sha256,
    files: 2,
    size_bytes: 400_014,
    notes: [],
  });
  assert.equal([path, created_at.slice(0, 4)], [join(shop.builds, id), id.slice(5, 9)]);
  const words = await shop.call(['add', 'production', 'app.tar', '--sha256', sha256]);
  const [, second] = await listBuildIds(shop.builds);
  assert.equal(words.stdout.split('\n'), [`${second} (2 files, 390.6K)`, `  -> cutover deploy production ${second}`]);
  assert.is((await shop.call(['add', 'app.tar', '--quiet'])).stdout, (await listBuildIds(shop.builds)).at(-1));
});

test('P1: add reads standard input', async (t) => {
  const shop = await makeShop(t);
  for (const words of [
    ['add', '-'],
    ['add', 'production', '-', '--sha256', sha256],
  ]) {
    const child = shop.start(words);
    child.stdin?.end(archive);
    assert.equal(await once(child, 'exit'), [0, null], words.join(' '));
  }
  assert.is((await listBuildIds(shop.builds)).length, 2);
});

test('P1: a value is what was typed, whatever it looks like', () => {
  const digits = '1'.repeat(64);
  const request = parse(['add', 'a.tar', '--revision', '007', '--sha256', digits, '--branch=1.10']);
  assert.is(request.kind, 'run');
  if (request.kind !== 'run') return;
  const { revision, sha256: given, branch } = request.options as Record<string, unknown>;
  assert.equal([request.words, revision, given, branch], [['a.tar'], '007', digits, '1.10']);
});

test('P1: what cannot be taken in ends with the exit code of its kind', async (t) => {
  const shop = await makeShop(t);
  await writeFile(join(shop.directory, 'evil.tar'), tarOf({ name: '../evil', body: 'x' }));
  const cases: [string[], number, string, RegExp][] = [
    [['add', 'evil.tar'], 2, 'no_build', /"\.\.\/evil" leads out of the build/],
    [['add', 'none.tar'], 2, 'no_build', /there is no archive none\.tar/],
    [['add', 'cutover.toml'], 2, 'no_build', /no tar archive/],
    [['add', 'app.tar', '--sha256', '0'.repeat(64)], 2, 'no_build', /another checksum/],
    [['add', 'app.tar', '--sha256', 'abc'], 64, 'usage', /"abc" is no SHA-256/],
    [['add'], 64, 'usage', /lacks <archive>/],
    [['add', 'staging', 'app.tar'], 64, 'usage', /there is no target staging/],
    [['add', '-'], 2, 'no_build', /the archive is empty/],
  ];
  for (const [words, exit, errorCode, message] of cases) {
    const { code, stdout } = await shop.call([...words, '--json']);
    const { error } = JSON.parse(stdout);
    assert.equal([code, error.code], [exit, errorCode], words.join(' '));
    assert.match(error.message, message);
  }
  assert.equal(
    (await readdir(shop.builds)).filter((name) => name !== '.incoming'),
    [],
  );
});

test('P1: who may not write the builds directory is told so: exit 77', async (t) => {
  requireRoot();
  const shop = await makeShop(t, { mode: 0o755 });
  const { code, stdout } = await shop.call(
    ['add', 'app.tar', '--json'],
    ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
  );
  const { error } = JSON.parse(stdout);
  assert.equal([code, error.code], [77, 'permission'], stdout);
  assert.match(error.mend, 'sudo');
});

test('P1: a program that is not installed is named', async (t) => {
  const shop = await makeShop(t);
  await exec(['zstd', '-q', 'app.tar'], { timeoutMs: 10_000, cwd: shop.directory });
  const programs = join(shop.directory, 'programs');
  await mkdir(programs);
  for (const name of ['sh', 'tar', 'mkdir', 'flock', 'rm']) await symlink(`/usr/bin/${name}`, join(programs, name));
  const { code, stdout } = await shop.call(['add', 'app.tar.zst', '--json'], ['env', `PATH=${programs}`]);
  const { error } = JSON.parse(stdout);
  assert.equal([code, error.mend], [1, 'apt-get install zstd'], stdout);
  assert.match(error.message, 'compressed with zstd, which is not installed');
  assert.equal(await readdir(shop.incoming), []);
});

test('P1: everything is on the disk before the build has its name', async (t) => {
  const shop = await makeShop(t);
  const programs = join(shop.directory, 'programs');
  await mkdir(programs);
  // Stands before the real one, and tells what was there when it was called.
  const script = `#!/bin/sh\nls -A "${shop.builds}" "$3" > "${shop.directory}/seen" && exec /usr/bin/sync "$@"\n`;
  await writeFile(join(programs, 'sync'), script, { mode: 0o755 });
  const { code } = await shop.call(['add', 'app.tar'], ['env', `PATH=${programs}:${process.env.PATH}`]);
  assert.is(code, 0);
  const seen = (await readFile(join(shop.directory, 'seen'), 'utf8')).split('\n');
  for (const name of ['.cutover.files', '.cutover.json', 'app.js', 'data']) assert.ok(seen.includes(name), name);
  assert.not.ok(
    seen.some((name) => name.startsWith('dist.')),
    seen.join(' '),
  );
});

test('P1: Ctrl-C in the middle leaves nothing: exit 130', async (t) => {
  const shop = await makeShop(t);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    const child = await shop.startHalf();
    child.kill(name);
    assert.equal(await once(child, 'exit'), [130, null]);
    assert.equal([await readdir(shop.incoming), await listBuildIds(shop.builds)], [[], []]);
  }
});

test('P1: a sender that ends in the middle leaves nothing: exit 2', async (t) => {
  const shop = await makeShop(t);
  const child = await shop.startHalf();
  child.stdin?.end();
  assert.equal(await once(child, 'exit'), [2, null]);
  assert.equal([await readdir(shop.incoming), await listBuildIds(shop.builds)], [[], []]);
});

test('W3: what a killed add left is removed by the next, and one at work is left alone', async (t) => {
  const shop = await makeShop(t);
  const dead = await shop.startHalf();
  const [left] = await readdir(shop.incoming);
  const atWork = await shop.startHalf(2);
  dead.kill('SIGKILL');
  await once(dead, 'exit');
  assert.is((await readdir(shop.incoming)).length, 2, 'a killed one cannot clear up');
  assert.is((await shop.call(['add', 'app.tar'])).code, 0);
  const rest = await readdir(shop.incoming);
  assert.ok(rest.length === 1 && !rest.includes(left as string), rest.join(' '));
  atWork.stdin?.end(archive.subarray(archive.length / 2));
  assert.equal(await once(atWork, 'exit'), [0, null]);
  const ids = await listBuildIds(shop.builds);
  for (const id of ids) assert.is((await compareBuild(join(shop.builds, id), signal)).files, 2);
  assert.equal([ids.length, await readdir(shop.incoming)], [2, []]);
});

test('P1: killed at any moment, what has the name of a build is whole', async (t) => {
  const shop = await makeShop(t);
  const beganAt = performance.now();
  assert.is((await shop.call(['add', 'app.tar'])).code, 0);
  let wholeMs = performance.now() - beganAt;
  let killed = 0;
  for (let round = 0; round < 30; round += 1) {
    const startedAt = performance.now();
    const child = shop.start(['add', 'app.tar']);
    // One that was through before it was killed may be quicker than the first.
    const ended = once(child, 'exit').then(([, by]) => {
      if (by === null) wholeMs = Math.min(wholeMs, performance.now() - startedAt);
      return by;
    });
    await sleep((wholeMs * round * 1.2) / 30);
    child.kill('SIGKILL');
    if ((await ended) === 'SIGKILL') killed += 1;
    for (const id of await listBuildIds(shop.builds)) {
      const found = await compareBuild(join(shop.builds, id), signal);
      assert.equal([found.changed, found.missing, found.added, found.files], [[], [], [], 2], id);
    }
  }
  assert.ok(killed > 5, `${killed} were killed`);
  // What the last one started may be at work for a moment.
  await until('the next add leaves nothing', async () => {
    const { code } = await shop.call(['add', 'app.tar']);
    return code === 0 && (await readdir(shop.incoming)).length === 0;
  });
});

test('P1: builds tells revision and branch of what was added', async (t) => {
  const shop = await makeShop(t);
  await shop.call(['add', 'app.tar', '--revision', '4f2a9c1', '--branch', 'main']);
  await mkdir(join(shop.builds, 'dist.20200101-000000'));
  await writeFile(join(shop.builds, 'dist.20200101-000000/app.js'), '');
  const { builds } = JSON.parse((await shop.call(['builds', '--json'])).stdout);
  assert.equal(
    builds.map(({ revision, branch }: { revision: string; branch: string }) => [revision, branch]),
    [
      ['4f2a9c1', 'main'],
      [null, null],
    ],
  );
  const { stdout } = await shop.call(['builds']);
  assert.match(stdout, /4f2a9c1 \(main\)/);
});

interface Shop {
  directory: string;
  builds: string;
  incoming: string;
  call(words: string[], before?: string[]): Promise<ExecResult>;
  start(words: string[]): ChildProcess;
  /** Starts an add that got half of its archive, and waits until it is unpacked. */
  startHalf(count?: number): Promise<ChildProcess>;
}

async function makeShop(t: TestContext, { mode = 0o700 } = {}): Promise<Shop> {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-add-'));
  t.cleanup(() => rm(directory, { recursive: true }));
  await exec(['chmod', mode.toString(8), directory], { timeoutMs: 30_000 });
  const builds = join(directory, 'builds');
  const incoming = join(builds, '.incoming');
  await mkdir(builds);
  await writeFile(join(directory, 'app.tar'), archive);
  const config = `app = "shop"\nstate = "${directory}/state"\n[targets.production]\nunit = "shop.service"\nbuilds = "${builds}"\n`;
  await writeFile(join(directory, 'cutover.toml'), config);
  const env = { CUTOVER_CONFIG: '', XDG_CONFIG_HOME: '', HOME: directory };
  const start = (words: string[]): ChildProcess => {
    const child = spawn(process.execPath, [executable('cutover'), ...words], {
      cwd: directory,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin?.on('error', () => {});
    t.cleanup(() => child.kill('SIGKILL'));
    return child;
  };
  return {
    directory,
    builds,
    incoming,
    call: (words, before = []) =>
      exec([...before, process.execPath, executable('cutover'), ...words] as never, {
        timeoutMs: 60_000,
        cwd: directory,
        env,
      }),
    start,
    async startHalf(count = 1) {
      const child = start(['add', '-']);
      child.stdin?.write(archive.subarray(0, archive.length / 2));
      const isUnpacked = async (): Promise<boolean> => {
        const names = await readdir(incoming).catch(() => []);
        const found = await Promise.all(
          names.map((name) => readFile(join(incoming, name, 'app.js'), 'utf8').catch(() => '')),
        );
        return found.filter((text) => text !== '').length === count;
      };
      await until('half of it is unpacked', isUnpacked);
      return child;
    },
  };
}
