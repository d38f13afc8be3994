import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { openController } from '../../lib/base/wait.ts';
import { addBuild } from '../../lib/deployer/add.ts';
import type { VerifyReport } from '../../lib/deployer/verify.ts';
import { tarOf } from '../builds/intake/archive.ts';
import { streamOf } from '../builds/intake/taking.ts';
import { executable } from '../deploy/site.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/verify');

const archive = tarOf(
  { name: 'app.js', body: 'console.log(1)' },
  { name: 'd/more', body: 'more' },
  { name: 'd/program', body: 'x', mode: 0o755 },
  { name: 'l', type: '2', to: 'd/more' },
  { name: 'gone', body: 'x' },
  { name: 'empty', type: '5' },
);

test('P1: a build that nobody touched is the same: exit 0', async (t) => {
  const { build, path, call } = await makeAdded(t);
  await utimes(join(path, 'app.js'), 1, 1);
  const { code, stdout } = await call([]);
  assert.equal([code, stdout], [0, `${build} is as it was taken in (4 files compared)`]);
  for (const words of [
    ['production', build],
    ['production', build.slice(5)],
    ['production', path],
  ]) {
    const report = JSON.parse((await call([...words, '--json'])).stdout) as VerifyReport;
    assert.equal(report, { target: 'production', build, same: true, changed: [], missing: [], new: [], files: 4 });
  }
});

test('P1: everything that is not as it was is named: exit 1', async (t) => {
  const { build, path, call } = await makeAdded(t);
  // The same length: only the bytes tell.
  await writeFile(join(path, 'app.js'), 'console.log(2)');
  await appendFile(join(path, 'd/more'), '!');
  await chmod(join(path, 'd/more'), 0o600);
  await chmod(join(path, 'd/program'), 0o4755);
  await chmod(join(path, 'd'), 0o700);
  await unlink(join(path, 'l'));
  await symlink('/etc/passwd', join(path, 'l'));
  await unlink(join(path, 'gone'));
  await rm(join(path, 'empty'), { recursive: true });
  await writeFile(join(path, 'empty'), '');
  await mkdir(join(path, 'log'));
  await writeFile(join(path, 'log/a\nb'), '');
  await chmod(path, 0o700);
  const { code, stdout } = await call(['--json']);
  assert.is(code, 1);
  const { changed, missing, same, new: added } = JSON.parse(stdout) as VerifyReport;
  assert.equal(
    changed.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    [
      { path: '.', what: ['mode'] },
      { path: 'app.js', what: ['content'] },
      { path: 'd', what: ['mode'] },
      { path: 'd/more', what: ['content', 'mode'] },
      { path: 'd/program', what: ['mode'] },
      { path: 'empty', what: ['kind'] },
      { path: 'l', what: ['destination'] },
    ],
  );
  assert.equal([missing, added, same], [['gone'], ['log', 'log/a\nb'], false]);
  const words = await call([]);
  assert.match(words.stdout, `${build} is not as it was taken in: 7 changed, 1 missing, 2 new`);
  for (const line of ['  changed  d/more (content, mode)', '  missing  gone', '  new      "log/a\\nb"']) {
    assert.ok(words.stdout.split('\n').includes(line), line);
  }
  assert.is((await call(['--quiet'])).stdout.split('\n').length, 1);
});

test('P1: a list that was changed does not hide what was', async (t) => {
  const { path, call } = await makeAdded(t);
  await writeFile(join(path, 'app.js'), 'console.log(2)');
  const list = join(path, '.cutover.files');
  await writeFile(list, (await readFile(list, 'utf8')).replace(/^.*"app\.js".*\n/m, ''));
  const { changed, new: added } = JSON.parse((await call(['--json'])).stdout) as VerifyReport;
  assert.equal([changed, added], [[{ path: '.cutover.files', what: ['content'] }], ['app.js']]);
});

test('P1: a build that nothing is known of says so plainly: exit 2', async (t) => {
  const { path, builds, call } = await makeAdded(t);
  const byHand = 'dist.20200101-000000';
  await mkdir(join(builds, byHand));
  await writeFile(join(builds, byHand, 'app.js'), '');
  const said = async (words: string[]): Promise<[number | null, string, string]> => {
    const { code, stdout } = await call([...words, '--json']);
    const { error } = JSON.parse(stdout);
    return [code, error.code, error.message];
  };
  assert.equal(await said(['production', byHand]), [
    2,
    'no_build',
    `the build ${byHand} has no manifest (.cutover.json): it was not taken in by cutover add, so there is nothing to compare with`,
  ]);
  assert.equal((await said(['production', 'dist.20200101-000001'])).slice(0, 2), [2, 'no_build']);
  await writeFile(join(path, '.cutover.files'), 'no list');
  assert.match((await said([]))[2], /damaged list of its files/);
  await unlink(join(path, '.cutover.files'));
  assert.match((await said([]))[2], /has no \.cutover\.files any more/);
  await unlink(join(builds, 'current'));
  assert.match((await said([]))[2], /current of production leads to no build/);
});

test('P1: a build that may not be read is not called the same: exit 77', async (t) => {
  requireRoot();
  const { path, call } = await makeAdded(t);
  const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  assert.is((await call([], asNobody)).code, 0);
  for (const name of ['app.js', 'd']) {
    await chmod(join(path, name), 0o700);
    const { code, stdout } = await call(['--json'], asNobody);
    assert.equal([code, JSON.parse(stdout).error.code], [77, 'permission'], name);
    await chmod(join(path, name), 0o755);
  }
});

async function makeAdded(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-verify-'));
  t.cleanup(() => rm(directory, { recursive: true }));
  await chmod(directory, 0o755);
  const builds = join(directory, 'builds');
  await mkdir(builds);
  const config = `app = "shop"\nstate = "${directory}/state"\n[targets.production]\nunit = "shop.service"\nbuilds = "${builds}"\n`;
  await writeFile(join(directory, 'cutover.toml'), config);
  const place = { target: { builds } as never, signal: openController().signal };
  const { id, path } = await addBuild(place, { archive: streamOf(archive) });
  await symlink(id, join(builds, 'current'));
  const env = { CUTOVER_CONFIG: '', XDG_CONFIG_HOME: '', HOME: directory };
  const call = (words: string[], before: string[] = []) =>
    exec([...before, process.execPath, executable('cutover'), 'verify', ...words] as never, {
      timeoutMs: 30_000,
      cwd: directory,
      env,
    });
  return { build: id, path, builds, call };
}
