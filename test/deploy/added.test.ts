// needs: sandbox
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import type { AddedBuild } from '../../lib/deployer/add.ts';
import type { PruneReport } from '../../lib/deployer/prune-report.ts';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import type { VerifyReport } from '../../lib/deployer/verify.ts';
import { suite, type TestContext } from '../suite.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/added', { timeoutMs: 120_000 });

test('P1, P6, S11: a build that was added is deployed, and everything tells what it was made from', async (t) => {
  const site = await makeSite(t);
  const archive = await pack(t, site);
  const words = [archive, '--revision', '4f2a9c1', '--branch', 'main'];
  const { code, document, stderr } = await site.call<{ build: AddedBuild }>('add', words);
  assert.is(code, 0, stderr);
  const { id } = document.build;
  const deployed = await site.call('deploy');
  assert.equal([deployed.code, deployed.document.active], [0, id], deployed.stderr);
  await assertSound(site, id, deployed);
  const { targets } = (await site.call<{ targets: TargetStatus[] }>('status')).document;
  assert.equal([targets[0]?.current, targets[0]?.revision, targets[0]?.branch], [id, '4f2a9c1', 'main']);
  assert.match((await site.tell('status')).stdout, `${id}, 4f2a9c1 (main)`);
  const verified = await site.call<VerifyReport>('verify');
  assert.equal([verified.code, verified.document.same, verified.document.build], [0, true, id]);
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, buildId(1)], back.stderr);
});

test('W3: a prune removes what an add that died has left', async (t) => {
  const site = await makeSite(t);
  const left = site.sandbox.hostPath(`${site.builds}/.incoming/dead`);
  await mkdir(left, { recursive: true });
  await writeFile(join(left, 'half'), 'half');
  await site.call('prune', ['--dry-run']);
  assert.equal(await readdir(left), ['half'], 'a dry run removes nothing');
  const { code, document } = await site.call<PruneReport>('prune');
  const removed = document.removed.map(({ kind, name, path }) => [kind, name, path]);
  assert.equal([code, removed], [0, [['rest', '.incoming/dead', `${site.builds}/.incoming/dead`]]]);
  assert.equal(await readdir(join(left, '..')), []);
});

test('P1: an add that is refused leaves the service and its builds as they were', async (t) => {
  const site = await makeSite(t);
  const archive = await pack(t, site);
  const host = site.sandbox.hostPath(archive);
  const whole = await readFile(host);
  await writeFile(host, whole.subarray(0, whole.length / 2));
  const { code } = await site.call('add', [archive]);
  assert.is(code, 2);
  await assertSound(site, buildId(1));
});

/** Packs what the first build holds. @returns the archive's path in the sandbox */
async function pack(t: TestContext, site: Site): Promise<string> {
  const archive = `${site.builds}/../app-of-${site.app}.tar.gz`;
  const host = site.sandbox.hostPath(archive);
  const tree = site.sandbox.hostPath(`${site.builds}/${buildId(1)}`);
  const { code, stderr } = await exec(['tar', '--create', '--gzip', '--file', host, '--directory', tree, '.'], {
    timeoutMs: 10_000,
  });
  assert.is(code, 0, stderr);
  t.cleanup(() => rm(host, { force: true }));
  return archive;
}
