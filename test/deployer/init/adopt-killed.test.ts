// needs: sandbox
// deadline: 10min
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../../sandboxed.ts';
import { suite } from '../../suite.ts';
import { calledFrom, until } from '../../deploy/site.ts';
import { adopt, everything, type PlainSite, plainSite, servedFrom } from './adopt-site.ts';

const test = suite('deployer/init adopt killed', { timeoutMs: 500_000 });
const preload = `--require=${join(repository, 'test/deployer/init/kill-at.cjs')}`;

/** Runs the move until its N-th moment. @returns whether it got there; otherwise it came to its own end */
async function killedAt({ sandbox, unit }: PlainSite, words: string[], moment: number): Promise<boolean> {
  const env = { NODE_OPTIONS: preload, KILL_AT: String(moment) };
  const { code, stderr } = await sandbox.cutover(['init', unit, '--adopt', ...words], { env });
  if (code !== 0) assert.ok(code === null || code === 137, `exit ${code}: ${stderr}`);
  return code !== 0;
}

/** PID 1 finishes what it was told: nobody is without the service, whoever died. */
async function assertServed(site: PlainSite, about: string): Promise<void> {
  await until(`${about}: it serves`, async () => (await servedFrom(site)) !== null, 30_000);
}

/** Takes away what stays after a move back, so that the next one begins as the first. */
async function clear({ sandbox, builds }: PlainSite): Promise<void> {
  await sandbox.run('rm', '-rf', builds, '/etc/cutover');
}

test('killed at every moment of the move: it serves on, and the next call brings it to an end', async (t) => {
  const site = await plainSite(t);
  const { source, builds, sandbox } = site;
  const before = await everything(site);
  for (let moment = 1; ; moment += 1) {
    const isKilled = await killedAt(site, ['--shared', 'data'], moment);
    await assertServed(site, `moment ${moment}`);
    // The restart that the dead one asked for may be under way, and nobody listens who would tell the port.
    const called = await adopt(site, '--shared', 'data', '--port', String(site.port));
    assert.is(called.code, 0, `moment ${moment}: ${called.stderr}`);
    assert.match((await servedFrom(site)) ?? '', `${builds}/dist.`);
    const names = await sandbox.run('ls', '-A', builds);
    assert.match(names, /^current\ndist\.[\d-]+$/, `moment ${moment}`);
    assert.is((await sandbox.cutover(['config', '--check'])).code, 0);
    assert.is((await adopt(site, '--undo')).code, 0);
    assert.is(await servedFrom(site), source);
    await clear(site);
    assert.is(await everything(site), before, `moment ${moment}`);
    if (isKilled) continue;
    assert.ok(moment > 8, `${moment} moments`);
    return;
  }
});

test('killed at every moment of the way back: a deploy, or the same again, ends it', async (t) => {
  const site = await plainSite(t);
  const { source, builds, sandbox } = site;
  const before = await everything(site);
  for (let moment = 1; ; moment += 1) {
    assert.is((await adopt(site)).code, 0);
    const isKilled = await killedAt(site, ['--undo'], moment);
    await assertServed(site, `moment ${moment}`);
    const dry = await adopt(site, '--undo', '--dry-run').catch(() => null);
    assert.ok(dry, `moment ${moment}`);
    // Whatever holds the target next ends it: back into the builds, or, once it was proven, to its end.
    const settled = await sandbox.cutover(['settle', 'production', '--json']);
    assert.is(settled.code, 0, `moment ${moment}: ${settled.stderr}`);
    const served = await servedFrom(site);
    if (served !== source) {
      assert.match(served ?? '', `${builds}/dist.`, `moment ${moment}`);
      const { code, stderr } = await adopt(site, '--undo');
      assert.is(code, 0, `moment ${moment}: ${stderr}`);
    }
    assert.is(await servedFrom(site), source);
    await clear(site);
    assert.is(await everything(site), before, `moment ${moment}`);
    if (isKilled) continue;
    assert.ok(moment > 4, `${moment} moments`);
    return;
  }
});

test('a deploy after a killed way back ends it first', async (t) => {
  const site = await plainSite(t);
  const { builds, sandbox } = site;
  const { document } = await adopt(site);
  const build = document.adopted?.build ?? '';
  assert.ok(await killedAt(site, ['--undo'], 3));
  await sandbox.run('cp', '-a', `${builds}/${build}`, `${builds}/dist.20991231-000000`);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, 'dist.20991231-000000'], deployed.stderr);
  assert.match(deployed.stderr, 'had been cut off, and was taken back first');
});

test('interrupted after the restart: taken back; before the first file nothing was changed', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  const before = await everything(site);
  const invocation = (): Promise<string> => sandbox.run('systemctl', 'show', '--property=InvocationID', unit);
  const first = await invocation();
  const behaviour = `${source}/behaviour.json`;
  await sandbox.run('sh', '-c', `echo '{"mode":"held"}' > ${behaviour}; touch -d 2020-01-01 ${behaviour}`);
  const child = await sandbox.startCutover(['init', unit, '--adopt']);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  child.stdout.resume();
  await until('it is started anew', async () => (await invocation()) !== first, 120_000);
  child.kill('SIGTERM');
  // Not in the build that was made of it.
  await sandbox.run('touch', `${source}/go`);
  assert.is((await child.ended).code, 4, said);
  assert.match(said, `it serves from ${source} again, as before`);
  assert.is(await servedFrom(site), source);
  await sandbox.run('rm', behaviour, `${source}/go`);
  assert.is(await everything(site), before);
});
