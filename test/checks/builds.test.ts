import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { askBuilds, askCandidate } from '../../lib/checks/builds.ts';
import { makeBuilds, makeDirectory } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('checks/builds');
const older = 'dist.20260203-123600';
const newer = 'dist.20260203-151116';

test('S1: a relative link to a build is good, and so is none before the first deploy', async (t) => {
  const good = await askBuilds(await makeBuilds(t, [older], older));
  assert.equal([good.status, good.observed], ['pass', `current -> ${older}`]);
  assert.is((await askBuilds(await makeBuilds(t, [older]))).status, 'pass');
});

test('S1: a builds directory that is not there, or is none, is told: that is no first deploy', async (t) => {
  const directory = join(await makeDirectory(t), 'builds');
  const missing = await askBuilds(directory);
  const said = `the builds directory ${directory} does not exist`;
  assert.equal([missing.status, missing.observed, missing.mend], ['fail', said, `mkdir -p ${directory}`]);
  await writeFile(directory, '');
  const file = await askBuilds(directory);
  assert.equal([file.status, file.mend], ['fail', `ls -ld ${directory}`]);
});

test('S1: a build that is dated in the future is told, since nothing that is added is newer', async (t) => {
  const future = 'dist.20990101-000000';
  const serving = await askBuilds(await makeBuilds(t, [older, future], future));
  assert.equal([serving.status, serving.observed.split(' ')[0]], ['warn', future]);
  assert.match(serving.mend ?? '', /^cutover deploy <build> names another one, then: mv \S+ \S+\/dist\.2\d{7}-\d{6}$/);
  const waiting = await askBuilds(await makeBuilds(t, [older, future], older));
  assert.match(waiting.mend ?? '', 'names another one; or: mv ');
});

test('S1: what to type holds for a directory with a blank in its name', async (t) => {
  const directory = join(await makeDirectory(t), 'the builds');
  await mkdir(join(directory, older), { recursive: true });
  await symlink(newer, join(directory, 'current'));
  const { mend } = await askBuilds(directory, older);
  const { stdout } = await exec(['bash', '-c', mend ?? ''], { timeoutMs: 10_000 });
  assert.equal([stdout, await readlink(join(directory, 'current'))], ['', older]);
});

test('S1: every other state of the link is told, with what to type', async (t) => {
  const elsewhere = await makeBuilds(t, [older]);
  const directory = await makeBuilds(t, [older]);
  await mkdir(join(directory, 'other'));
  const current = join(directory, 'current');
  const states: [string, () => Promise<unknown>, status: string, observed: string][] = [
    ['absolute', () => symlink(join(directory, older), current), 'warn', 'current is absolute'],
    ['dangling', () => symlink(newer, current), 'fail', `current points at ${newer}, which does not exist`],
    ['a directory', () => mkdir(current), 'fail', 'current is a directory'],
    ['a file', () => writeFile(current, ''), 'fail', 'current is a file'],
    ['outside', () => symlink(join(elsewhere, older), current), 'fail', 'current leads outside'],
    ['no build', () => symlink('other', current), 'fail', 'not named as a build'],
  ];
  for (const [name, make, status, observed] of states) {
    await rm(current, { recursive: true, force: true });
    await make();
    const answer = await askBuilds(directory);
    assert.is(answer.status, status, name);
    assert.match(answer.observed, observed, name);
    assert.ok(answer.mend, name);
  }
});

test('S1: the command that mends a wrong link does mend it', async (t) => {
  const directory = await makeBuilds(t, [older], newer);
  const { mend } = await askBuilds(directory, older);
  const [code] = await once(spawn('sh', ['-c', mend ?? ''], { stdio: 'inherit' }), 'exit');
  assert.is(code, 0);
  assert.is((await askBuilds(directory)).status, 'pass');
});

test('S2: a candidate must be there, whole and readable', async (t) => {
  const directory = await makeBuilds(t, [older]);
  await writeFile(join(directory, newer), 'a file');
  assert.equal((await askCandidate(directory, older, { user: null })).status, 'pass');
  for (const id of [null, newer, 'dist.20260101-000000']) {
    const answer = await askCandidate(directory, id, { user: null });
    assert.is(answer.status, 'fail', `${id}`);
    assert.ok(answer.mend, `${id}`);
  }
});

test('S2: a candidate that the user of the unit cannot read has failed before anything is stopped', async (t) => {
  const parent = await makeDirectory(t);
  const directory = await makeBuilds(t, [older]);
  await chmod(parent, 0o755);
  await chmod(directory, 0o755);
  assert.is((await askCandidate(directory, older, { user: 'nobody' })).status, 'pass');
  await chmod(join(directory, older), 0o700);
  const answer = await askCandidate(directory, older, { user: 'nobody' });
  assert.is(answer.status, 'fail');
  assert.match(answer.observed, older);
  assert.is((await askCandidate(directory, older, { user: 'root' })).status, 'pass');
  assert.is((await askCandidate(directory, older, { user: 'cutover-no-such-user' })).status, 'pass');
});
