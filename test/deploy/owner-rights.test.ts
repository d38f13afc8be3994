// needs: sandbox
// deadline: 10min
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { polkitRule } from '../../lib/deployer/init/polkit.ts';
import { suite, type TestContext } from '../suite.ts';
import { refused } from './initiating.ts';
import { assertOwned, polkitReads } from './plain-user.ts';
import { held, heldSite, leaveBehind, letGo, startDeploy, untilBegun, untilSettled } from './running.ts';
import { breakInService, buildId, makeSite, type Refusal, type Site, until } from './site.ts';
import { assertNothingLeft, assertSound, whoServes } from './sound.ts';

const test = suite("deploy/root's rights on another user's state", { timeoutMs: 90_000 });
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];
/** A user without a manager of his own. */
const owner = 'daemon';

async function handOver(t: TestContext, { sandbox, app, builds }: Site): Promise<void> {
  await sandbox.run('chown', '-R', `${owner}:`, `/var/lib/cutover/${app}`, `/var/log/cutover/${app}`, builds);
  await sandbox.run('chmod', '755', '/var/lib/cutover', '/var/log/cutover');
  t.cleanup(() => sandbox.run('chmod', '700', '/var/lib/cutover', '/var/log/cutover'));
}

/** The rule of a deploying user. */
async function allow(t: TestContext, { sandbox, app, unit }: Site): Promise<void> {
  const target = { unit, strategy: 'restart' as const };
  const { path, text } = polkitRule({ app }, [{ target, id: unit, sockets: [] }], { user: owner });
  t.cleanup(() => sandbox.run('rm', '-f', path));
  await sandbox.run('mkdir', '-p', '/etc/polkit-1/rules.d');
  await writeFile(sandbox.hostPath(path), text, { mode: 0o644 });
  await polkitReads(sandbox);
}

function isInFlight({ sandbox, state }: Site): Promise<boolean> {
  return sandbox.exec(['test', '-e', `${state}/in-flight`]).then(({ code }) => code === 0);
}

test('S8: root asks nobody: deploy, way back, rollback and recovery go without a rule, and are guarded', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }] });
  await handOver(t, site);
  const good = await site.call('deploy', [second]);
  assert.equal([good.code, good.document.active], [0, second], good.stderr);
  const bad = await site.call('deploy', [third]);
  assert.equal([bad.code, bad.document.active], [4, second], bad.stderr);
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  await breakInService(site, first);
  await appendFile(site.sandbox.hostPath(site.config), '[recovery]\nattempts = 1\n');
  const recovered = await site.call<{ exit_code: number }>('recover');
  assert.is(recovered.code, 0, recovered.stderr);
  for (const { stderr } of [good, bad, back, recovered]) assert.not.match(stderr, /does not guard|refuses/);
  assert.is((await whoServes(site))?.build, second);
  await assertOwned(site, owner);
});

test('S8: root is killed in the middle of it: systemd ends the run', async (t) => {
  const site = await heldSite(t);
  await handOver(t, site);
  await allow(t, site);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
  await assertOwned(site, owner);
});

test('S8: root is killed, and the rule is gone: what root types next ends the run', async (t) => {
  const site = await makeSite(t, { ...held, builds: [{}, {}, { mode: 'held' }] });
  await site.call('deploy', [second]);
  await handOver(t, site);
  await leaveBehind(site);
  const settled = await site.sandbox.cutover(['settle', '--state-directory', site.state, '--wait=30s']);
  assert.is(settled.code, 77, settled.stderr);
  assert.match(settled.stderr, `chown -R root: ${site.state}`);
  assert.match(settled.stderr, `cutover init --install --deploy-user ${owner}`);
  assert.not.match(settled.stderr, 'sudo');
  assert.ok(await isInFlight(site));
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, second], back.stderr);
  await assertSound(site, second);
  await assertOwned(site, owner);
});

test("W4: a ledger that names another unit has its owner's rights, whatever root types", async (t) => {
  const other = await makeSite(t, { builds: [{}] });
  const site = await makeSite(t, held);
  await handOver(t, site);
  await leaveBehind(site);
  const mark = await readFile(site.sandbox.hostPath(`${site.state}/in-flight`), 'utf8');
  const path = `${site.state}/runs/${/"run":"([^"]+)"/.exec(mark)?.[1]}.jsonl`;
  const text = await readFile(site.sandbox.hostPath(path), 'utf8');
  const before = await whoServes(other);
  await writeFile(site.sandbox.hostPath(path), text.replaceAll(site.unit, other.unit));
  for (const command of ['deploy', 'rollback', 'settle']) {
    // What guarded the one before tries to end the run, too, and is refused.
    const { code, document, stderr } = await site.call<Refusal>(command, ['--wait=30s']);
    assert.equal([code, document.error?.code], [77, 'permission'], `${command}: ${stderr}`);
    assert.match(document.error.message, `systemd refuses ${owner}`);
    assert.match(document.error.mend, `chown -R root: ${site.state} ${site.builds}`);
  }
  assert.equal(await whoServes(other), before);
  assert.ok(await isInFlight(site));
  const guards = ['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'cutover-settle-*'] as const;
  // It would take a ledger that is just being written for none.
  await until('what guarded the last one is over', async () => (await site.sandbox.run(...guards)) === '');
  await writeFile(site.sandbox.hostPath(path), text);
  assert.is((await site.call('settle', ['--wait=30s'])).code, 0);
  await assertSound(site, first);
  await assertSound(other, first);
});

test("W4: root cleans up after no record of another user's: what it names may be anybody's", async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  const { sandbox, state } = site;
  const { code, document } = await site.call('deploy');
  assert.is(code, 4);
  // What guarded that run looks for just such a mark as is laid below.
  await assertNothingLeft(site);
  await handOver(t, site);
  // As a death between the outcome and the end of the mark leaves it, and a link where root would write.
  const mark = { run: document.run, pid: 1, start_ticks: 1, boot_id: '', since: '' };
  await writeFile(sandbox.hostPath(`${state}/in-flight`), JSON.stringify(mark));
  await sandbox.run(
    'sh',
    '-c',
    'umask 077 && echo precious >/srv/secret && ln -sf /srv/secret "$1"',
    'sh',
    `${state}/quarantine.json`,
  );
  const pruned = await site.call<Refusal>('prune');
  assert.equal([pruned.code, pruned.document.error?.code], [77, 'permission'], pruned.stderr);
  assert.match(pruned.document.error.mend, 'cutover settle');
  assert.is(
    (await sandbox.exec(['test', '-e', `${state}/quarantine.json.torn`])).code,
    1,
    'root copied what the link names',
  );
  await sandbox.run('rm', `${state}/quarantine.json`);
  // What guarded prune finds the mark as well.
  assert.is((await site.call('settle', ['--wait=30s'])).code, 0);
  assert.is((await site.call('prune')).code, 0);
  await assertOwned(site, owner);
});

test("W4: a configuration that somebody else can write has its owner's rights", async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await handOver(t, site);
  const { sandbox, config, builds } = site;
  const refusedWith = async (file: string): Promise<void> => {
    const { code, stderr } = await sandbox.cutover(['deploy', 'production', '--config', file]);
    assert.is(code, 77, `${file}: ${stderr}`);
  };
  await sandbox.run('cp', config, `${builds}/.cutover.toml`);
  await refusedWith(`${builds}/.cutover.toml`);
  await sandbox.run('ln', '-s', config, `${builds}/.link.toml`);
  await refusedWith(`${builds}/.link.toml`);
  await sandbox.run('chown', owner, config);
  await refusedWith(config);
  await sandbox.run('chown', 'root', config);
  await sandbox.run('rm', `${builds}/.cutover.toml`, `${builds}/.link.toml`);
  assert.is((await site.call('deploy')).code, 0);
  await assertSound(site, second);
});

test('W4: a change that was cut off is not ended by root from what its owner wrote of it', async (t) => {
  const site = await makeSite(t, { builds: [{}] });
  await handOver(t, site);
  const { sandbox, unit, state, config } = site;
  const file = { path: '/srv/forged', before: 'forged', after: 'forged', mode: 0o755 };
  const about = {
    unit,
    from: 'restart',
    to: 'socket',
    since: '2026-02-03T15:00:00Z',
    directory: '/etc/systemd/system',
  };
  const record = JSON.stringify({
    ...about,
    files: [file],
    config: { ...file, path: '/srv/forged-too' },
    isProven: false,
  });
  await writeFile(sandbox.hostPath(`${state}/strategy-change.json`), record);
  const { code, kind, mend } = await refused(sandbox, unit, '--strategy', 'socket', '--config', config);
  assert.is((await sandbox.exec(['sh', '-c', 'ls /srv/forged*'])).stdout, '');
  assert.equal([code, kind], [77, 'permission']);
  assert.match(mend, `chown -R root: ${state}`);
  await sandbox.run('rm', `${state}/strategy-change.json`);
  await assertSound(site, first);
});

test('W4: a signal of the owner opens no debugger in a process that root has begun', async (t) => {
  const site = await heldSite(t);
  await handOver(t, site);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const as = ['setpriv', `--reuid=${owner}`, `--regid=${owner}`, '--clear-groups'] as const;
  await site.sandbox.run(...as, 'kill', '-USR1', String(run.pidInside()));
  // A process that handles its signals in order has had this one when it hears of the next.
  await site.sandbox.run(...as, 'kill', '-TERM', String(run.pidInside()));
  await run.hasSaid('interrupted');
  await letGo(site);
  const called = await run.end();
  assert.not.match(called.stderr, 'Debugger');
  assert.is(called.code, 4, called.stderr);
  await until('the guard is gone', async () => !(await isInFlight(site)));
  await assertSound(site, first);
});
