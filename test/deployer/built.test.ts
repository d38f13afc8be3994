import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { buildLeftBy } from '../../lib/deployer/built.ts';
import type { Place } from '../../lib/deployer/place.ts';
import { StepFailure } from '../../lib/run/failure.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('deployer/built');
const [old, one, two] = ['dist.20260101-000000', 'dist.20260102-000000', 'dist.20260103-000000'];

/** What comes of a hook that leaves these builds, or somebody beside it, and prints this line. */
async function leftWith(
  t: TestContext,
  made: string[],
  line: string | null,
  { user = null, mode = 0o600 }: { user?: string | null; mode?: number } = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-built-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const builds = join(folder, 'builds');
  await mkdir(join(builds, old), { recursive: true });
  await writeFile(join(folder, 'app.mjs'), 'text');
  execFileSync('tar', ['-cf', join(folder, 'app.tar'), '-C', folder, 'app.mjs']);
  await chmod(folder, 0o755);
  await chmod(join(folder, 'app.tar'), mode);
  const place = { target: { builds }, signal: t.signal, emit: () => {}, redact: (text: string) => text };
  const work = async () => {
    for (const id of made) await mkdir(join(builds, id));
    return { line, dir: folder, user };
  };
  const left = await buildLeftBy(place as unknown as Place, { work }).catch((error: unknown) => error);
  const kept = (await readdir(builds)).filter((name) => name.startsWith('dist.'));
  if (typeof left === 'string') return left;
  assert.equal(kept.toSorted(), [old, ...made], 'what fails leaves no build');
  throw left;
}

test('the one new build is that of the hook, whatever it printed', async (t) => {
  for (const line of [null, 'done', one, `builds/${one}`, 'app.mjs']) assert.is(await leftWith(t, [one], line), one);
});

test('of two new builds the one that the hook printed is its own', async (t) => {
  for (const line of [one, `builds/${one}`]) assert.is(await leftWith(t, [one, two], line), one, line);
});

test('an archive that the hook printed comes before a build that somebody else put there', async (t) => {
  const taken = await leftWith(t, [one], 'app.tar');
  assert.not.ok([old, one].includes(taken), taken);
  assert.match(await leftWith(t, [], 'app.tar'), /^dist\./);
});

test('nobody guesses which of two new builds is the own one', async (t) => {
  for (const line of [null, 'done', `builds/${old}`]) {
    const error = await leftWith(t, [one, two], line).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof StepFailure);
    assert.match(error.message, `has more than one new build: ${one}, ${two}; `);
  }
});

test('W4: an archive that a hook of another user printed is read with the rights of that user', async (t) => {
  assert.is(process.getuid?.(), 0, 'it takes root to have hooks of other users');
  const user = 'nobody';
  for (const line of ['app.tar', 'no-such.tar', 'builds', 'app.tar\0', `${'d/'.repeat(70_000)}app.tar`]) {
    const error = await leftWith(t, [], line, { user }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof StepFailure, line.slice(0, 20));
    assert.match(error.message, 'the last line that it printed is no file that nobody may read: ');
  }
  assert.match(await leftWith(t, [], 'app.tar', { user, mode: 0o644 }), /^dist\./);
  assert.match(await leftWith(t, [], 'app.tar', { user: 'root' }), /^dist\./);
});
