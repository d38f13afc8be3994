import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { quarantine, readQuarantine, release } from '../../lib/run/quarantine.ts';
import { suite } from '../suite.ts';
import { makeState, newer, older } from './samples.ts';

const test = suite('run/quarantine');
const entry = { run: '20260203-151120-4f2a', reason: 'health', since: '2026-02-03T15:11:20.000Z' } as const;

test('S4: builds are added, once each, and let out again', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  assert.equal(await readQuarantine(paths), {});
  await quarantine(paths, older, entry);
  await quarantine(paths, newer, entry);
  await quarantine(paths, newer, { ...entry, reason: 'memory' });
  assert.equal(await readQuarantine(paths), { [older]: entry, [newer]: { ...entry, reason: 'memory' } });
  assert.is((await stat(paths.quarantine)).mode & 0o777, 0o600);
  await release(paths, newer);
  await release(paths, newer);
  await release(paths, 'dist.20260101-000000');
  assert.equal(await readQuarantine(paths), { [older]: entry });
});

test('S4: a file that cannot be understood is none, and the next entry replaces it', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  for (const text of ['', '{"dist', '[]', '["dist.20260203-151116"]', 'null', '7', '"x"', '\0\0']) {
    await writeFile(paths.quarantine, text);
    assert.equal(await readQuarantine(paths), {}, text);
    await release(paths, newer);
    await quarantine(paths, newer, entry);
    assert.equal(await readQuarantine(paths), { [newer]: entry }, text);
  }
});

test('S4: letting out a build that is not in it writes nothing', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  await release(paths, newer);
  assert.equal(await readdir(paths.directory), []);
});
