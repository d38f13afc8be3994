import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { removeTrees } from '../../lib/base/remove.ts';
import { asideName, listLeftOver, putBackLeftOver, removeBuilds, removeRests } from '../../lib/builds/removal.ts';
import { usesBelow } from '../../lib/systemd/usage.ts';
import { suite } from '../suite.ts';
import { startSleep, waysToUse } from '../systemd/users.ts';
import { makeBuilds, makeDirectory, rejection } from './directory.ts';

const test = suite('builds/removal');
const [one, two, three] = ['dist.20260203-123600', 'dist.20260203-151116', 'dist.20260204-080000'] as const;
const signal = new AbortController().signal;
const all = { mayGo: async (aside: readonly string[]) => new Set(aside), signal };

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).toSorted();
}

test('W3: builds are removed, and nothing else', async (t) => {
  const directory = await makeBuilds(t, [one, two, three], three);
  const { back, problems } = await removeBuilds(directory, [one, two], all);
  assert.equal([back, problems.size], [[], 0]);
  assert.equal(await namesIn(directory), ['current', three].toSorted());
});

for (const [how, start] of Object.entries(waysToUse)) {
  // A path that was only named to a process does not follow the build: whoever looks has to look for that too.
  if (how === 'argument') continue;
  test(`W3: a process that begins to use a build just before it is moved keeps it: ${how}`, async (t) => {
    const directory = await makeBuilds(t, [one, two, three], three);
    const began = await start(t, join(directory, one));
    const mayGo = async (aside: readonly string[]): Promise<Set<string>> => {
      assert.equal(
        new Set(await namesIn(directory)),
        new Set([asideName(one), asideName(two), 'current', three]),
        'out of reach',
      );
      const { uses } = await usesBelow(directory);
      assert.equal(
        uses.get(asideName(one))?.map(({ pid }) => pid),
        [began.pid],
      );
      return new Set(aside.filter((id) => !uses.has(asideName(id))));
    };
    const { back, problems } = await removeBuilds(directory, [one, two], { mayGo, signal });
    assert.equal([back, problems.size], [[one], 0]);
    assert.equal(await namesIn(directory), ['current', one, three].toSorted());
  });
}

test('W3: a process that finds its way to a build that is out of reach keeps it', async (t) => {
  const directory = await makeBuilds(t, [one, two], two);
  const mayGo = async (aside: readonly string[]): Promise<Set<string>> => {
    await startSleep(t, { cwd: join(directory, asideName(one)) });
    const { uses } = await usesBelow(directory);
    return new Set(aside.filter((id) => !uses.has(asideName(id))));
  };
  assert.equal((await removeBuilds(directory, [one], { mayGo, signal })).back, [one]);
  assert.is(await readFile(join(directory, one, 'app'), 'utf8'), one);
});

test('W3: the second look fails: every build is back', async (t) => {
  const directory = await makeBuilds(t, [one, two, three], three);
  const blind = { mayGo: () => Promise.reject(new Error('cannot look')), signal };
  const error = await rejection(removeBuilds(directory, [one, two], blind));
  assert.is(error.message, 'cannot look');
  assert.equal(
    (await namesIn(directory)).filter((name) => name.startsWith('dist.')),
    [one, two, three],
  );
});

test('W3: links are removed, never followed', async (t) => {
  const outside = await makeDirectory(t);
  await writeFile(join(outside, 'precious'), 'yes');
  const directory = await makeBuilds(t, [one, two], two);
  await symlink(outside, join(directory, one, 'data'));
  await symlink(`../${two}`, join(directory, one, 'shared'));
  await symlink('/', join(directory, one, 'root'));
  await removeBuilds(directory, [one], all);
  assert.is(await readFile(join(outside, 'precious'), 'utf8'), 'yes');
  assert.is(await readFile(join(directory, two, 'app'), 'utf8'), two);
});

test('W3: odd names, read-only files and empty directories go like others', async (t) => {
  const directory = await makeBuilds(t, [one, two], two);
  for (const name of ['-rf', 'with space', 'line\nend', '*', '$(true)', 'ümläut']) {
    await mkdir(join(directory, one, name));
    await writeFile(join(directory, one, name, '-x'), '');
    await chmod(join(directory, one, name, '-x'), 0o400);
  }
  assert.is((await removeBuilds(directory, [one], all)).problems.size, 0);
  assert.equal(await namesIn(directory), ['current', two].toSorted());
});

test('W3: cut off before the second look: the whole builds are put back', async (t) => {
  const directory = await makeBuilds(t, [one, two, three], three);
  for (const id of [one, two]) await rename(join(directory, id), join(directory, asideName(id)));
  assert.equal((await listLeftOver(directory)).whole.toSorted(), [one, two]);
  assert.is((await putBackLeftOver(directory)).size, 0);
  assert.equal(await namesIn(directory), ['current', one, two, three].toSorted());
  assert.is(await readFile(join(directory, one, 'app'), 'utf8'), one);
});

test('W3: cut off in the middle of a removal: the rest goes, and is never put back', async (t) => {
  const directory = await makeBuilds(t, [one, three], three);
  const rest = `${asideName(two)}.0123abcd`;
  await mkdir(join(directory, rest), { recursive: true });
  await writeFile(join(directory, rest, 'half'), '');
  assert.equal(await listLeftOver(directory), { whole: [], rests: [rest] });
  await putBackLeftOver(directory);
  assert.equal(await listLeftOver(directory), { whole: [], rests: [rest] });
  assert.is((await removeRests(directory, signal)).size, 0);
  assert.equal(await namesIn(directory), ['current', one, three].toSorted());
});

test('W3: a new build took the name meanwhile: the old one stays out of reach, and both are told of', async (t) => {
  const directory = await makeBuilds(t, [one, two], two);
  await rename(join(directory, one), join(directory, asideName(one)));
  await mkdir(join(directory, one));
  const problems = await putBackLeftOver(directory);
  assert.equal([...problems.keys()], [one]);
  assert.match(problems.get(one)?.message ?? '', 'there is another');
  assert.equal(await readdir(join(directory, one)), [], 'the new one is untouched');
  assert.is(await readFile(join(directory, asideName(one), 'app'), 'utf8'), one);
});

test('W3: nothing was left: nothing is made', async (t) => {
  const directory = await makeBuilds(t, [one], one);
  assert.equal(await listLeftOver(directory), { whole: [], rests: [] });
  await putBackLeftOver(directory);
  await removeRests(directory, signal);
  assert.equal(await namesIn(directory), ['current', one].toSorted());
});

test('W3: what cannot be moved is told, and the others go', async (t) => {
  const directory = await makeBuilds(t, [one, two, three], three);
  const { problems } = await removeBuilds(directory, [one, 'dist.20250101-000000', two], all);
  assert.equal([...problems.keys()], ['dist.20250101-000000']);
  assert.equal(await namesIn(directory), ['current', three].toSorted());
});

test('W3: an aborted removal ends with the reason, and the next one finds the rest', async (t) => {
  const directory = await makeBuilds(t, [one, two], two);
  const late = new AbortController();
  const mayGo = async (aside: readonly string[]): Promise<Set<string>> => {
    late.abort(new CutoverError('interrupted', 'enough'));
    return new Set(aside);
  };
  const error = await rejection(removeBuilds(directory, [one], { mayGo, signal: late.signal }));
  assert.is(error.message, 'enough');
  const { whole, rests } = await listLeftOver(directory);
  assert.equal([whole, rests.length], [[], 1]);
  await removeRests(directory, signal);
  assert.equal(await namesIn(directory), ['current', two].toSorted());
});

test('W3: a thousand paths go at once, and what is gone already is no problem', async (t) => {
  const directory = await makeDirectory(t);
  const paths = Array.from({ length: 1000 }, (_, number) => join(directory, `log-${number}`));
  for (const path of paths.slice(0, 900)) await writeFile(path, '');
  assert.is((await removeTrees(paths, signal)).size, 0);
  assert.equal(await readdir(directory), []);
  await rm(directory, { recursive: true });
  assert.is((await removeTrees(paths, signal)).size, 0);
});
