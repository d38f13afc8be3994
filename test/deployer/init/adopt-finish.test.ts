import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { endAdoption } from '../../../lib/deployer/init/adopt/change.ts';
import { type Adoption, readAdopted, readAdoption, writeAdoption } from '../../../lib/deployer/init/adopt/record.ts';
import type { Place } from '../../../lib/deployer/place.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init adopt finish');

/** What a process left that was killed after the proof. @param written what somebody wrote as the configuration meanwhile */
async function endedAfterProof(t: TestContext, written: string | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-adopt-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'cutover.toml');
  const place = { paths: { directory: join(folder, 'state') } } as Place;
  const adoption: Adoption = {
    unit: 'app.service',
    source: join(folder, 'app'),
    builds: join(folder, 'builds'),
    build: 'dist.20260203-151116',
    shared: [],
    lines: { path: join(folder, 'lines.conf'), before: null, after: '[Service]\n', mode: 0o644 },
    to: 'builds',
    lookedMs: 0,
    invocationId: '',
    config: { path, before: null, after: 'app = "ours"\n', mode: 0o644 },
    folders: [],
    isProven: true,
  };
  await writeAdoption(place.paths, adoption);
  if (written !== null) await writeFile(path, written);
  assert.match((await endAdoption(place, adoption)).text, 'and was completed');
  assert.is(await readAdoption(place.paths), null);
  assert.is((await readAdopted(place.paths))?.build, adoption.build);
  return readFile(path, 'utf8');
}

test('a move that was cut off after its proof writes the configuration', async (t) => {
  assert.is(await endedAfterProof(t, null), 'app = "ours"\n');
});

test('a configuration that somebody wrote meanwhile stays', async (t) => {
  assert.is(await endedAfterProof(t, 'app = "theirs"\n'), 'app = "theirs"\n');
});
