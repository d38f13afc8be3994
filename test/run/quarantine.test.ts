import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { quarantine, readQuarantine, release } from '../../lib/run/quarantine.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import { makeTmpfs } from '../base/tmpfs.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';
import { gateFailure, leaveRun, makeState, newer, newest, older } from './samples.ts';

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

const torn = ['', '{"dist', '[]', '["dist.20260203-151116"]', 'null', '7', '"x"', '\0\0'];

test('S4: a file that cannot be understood is put aside, and where no run tells anything there is none', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  for (const text of torn) {
    await writeFile(paths.quarantine, text);
    assert.equal(await readQuarantine(paths), {}, text);
    await release(paths, newer);
    await quarantine(paths, newer, entry);
    assert.equal(await readQuarantine(paths), { [newer]: entry }, text);
    assert.is(await readFile(`${paths.quarantine}.torn`, 'utf8'), text);
  }
});

test('S4: what a torn file held is known from the runs, the newest word on each build', async (t) => {
  const paths = await makeState(t);
  const failed = { outcome: 'rolled_back', active: older, failure: gateFailure } as const;
  await leaveRun(paths, '20260203-151120-0001', { ...failed, to: older });
  await leaveRun(paths, '20260203-151120-0002', { outcome: 'deployed', to: older });
  await leaveRun(paths, '20260203-151120-0003', { outcome: 'deployed', to: newer });
  await leaveRun(paths, '20260203-151120-0004', { ...failed, to: newer });
  await leaveRun(paths, '20260203-151120-0005', {
    ...failed,
    to: newest,
    failure: { ...gateFailure, reason: 'interrupted' },
  });
  await writeFile(paths.quarantine, '{"dist');
  const known = { [newer]: { run: '20260203-151120-0004', reason: 'health', since: '2026-02-03T15:11:20.000Z' } };
  assert.equal(await readQuarantine(paths), known);
  await quarantine(paths, newest, entry);
  assert.equal(JSON.parse(await readFile(paths.quarantine, 'utf8')), { ...known, [newest]: entry });
  await writeFile(paths.quarantine, '{"dist');
  await release(paths, newer);
  assert.equal(await readQuarantine(paths), {});
});

test('S4: letting out a build that is not in it writes nothing', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  await release(paths, newer);
  assert.equal(await readdir(paths.directory), []);
});

test('S4: a torn file that cannot be replaced, as on a full disk, stays: without one nothing would be quarantined', async (t) => {
  const { path } = await makeTmpfs(t, 256 * 1024);
  const paths = statePathsIn(join(path, 'state'));
  await leaveRun(paths, '20260203-151120-0001', {
    outcome: 'rolled_back',
    active: older,
    failure: gateFailure,
    to: newer,
  });
  await writeFile(paths.quarantine, '{"dist');
  const filler = join(path, 'filler');
  assert.is((await rejection(writeFile(filler, Buffer.alloc(1024 * 1024)))).code, 'ENOSPC');
  const known = { [newer]: { run: '20260203-151120-0001', reason: 'health', since: '2026-02-03T15:11:20.000Z' } };
  assert.equal(await readQuarantine(paths), known);
  assert.is((await rejection(quarantine(paths, newest, entry))).code, 'disk');
  assert.equal(await readQuarantine(paths), known);
  await rm(filler);
  await quarantine(paths, newest, entry);
  assert.equal(await readQuarantine(paths), { ...known, [newest]: entry });
});
