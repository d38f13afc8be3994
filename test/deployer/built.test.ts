import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
async function leftWith(t: TestContext, made: string[], line: string | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-built-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const builds = join(folder, 'builds');
  await mkdir(join(builds, old), { recursive: true });
  await writeFile(join(folder, 'app.mjs'), 'text');
  execFileSync('tar', ['-cf', join(folder, 'app.tar'), '-C', folder, 'app.mjs']);
  const place = { target: { builds }, signal: t.signal, emit: () => {}, redact: (text: string) => text };
  const work = async () => {
    for (const id of made) await mkdir(join(builds, id));
    return { line, dir: folder };
  };
  return buildLeftBy(place as unknown as Place, { work });
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
