// needs: sandbox
// deadline: 10min
import { readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import type { PruneReport } from '../../lib/deployer/prune-report.ts';
import { failuresKept } from '../../lib/run/retention.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { gone, ids, namesOnDisk, prune, siteWithOld, whyKept } from './pruning.ts';
import { held, startDeploy, untilBegun } from './running.ts';
import { buildId, type Called, calledFrom, executable, makeSite, type Refusal, type Site } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/prune access', { timeoutMs: 180_000 });
const plainUser = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;

/** State, logs and builds belong to a plain user, as they do on many machines. */
async function handOver(t: TestContext, site: Site): Promise<void> {
  const { sandbox, app, builds } = site;
  await sandbox.run('chown', '-R', '65534:65534', `/var/lib/cutover/${app}`, `/var/log/cutover/${app}`, builds);
  const above = ['/var/lib/cutover', '/var/log/cutover'];
  t.cleanup(() => sandbox.run('chmod', '700', ...above));
  await sandbox.run('chmod', '755', ...above);
}

async function asPlainUser<Document = PruneReport>(site: Site, ...words: string[]) {
  const command = [executable('cutover'), 'prune', 'production', '--json', ...words];
  const env = { CUTOVER_CONFIG: site.config };
  return calledFrom<Document>(await site.sandbox.exec([...plainUser, process.execPath, ...command], { env }));
}

test('W3: a plain user who may not look at the processes of the unit: no build goes, exit 77, and what to type', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  await handOver(t, site);
  for (const words of [['--dry-run'], []]) {
    const { code, document, stderr } = await asPlainUser(site, ...words);
    assert.equal([code, document.exit_code, gone(document)], [77, 77, []], stderr);
    assert.equal([whyKept(document, buildId(1)), whyKept(document, buildId(4))], ['unseen', 'current']);
    assert.match(document.notes[0]?.message ?? '', `the processes of ${site.unit} (pid `);
    assert.is(document.notes[0]?.mend, 'sudo cutover prune production');
  }
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2, 3, 4)]);
  await assertSound(site, buildId(4));
});

test('W3: a plain user whose own the processes of the unit are: old builds go, and others are told of', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0, service: ['User=65534'] });
  await handOver(t, site);
  const { code, document, stderr } = await asPlainUser(site);
  assert.equal([code, gone(document)], [0, ids(1, 2)], stderr);
  assert.ok(document.unseen_processes > 0);
  assert.equal(await namesOnDisk(site), ['current', ...ids(3, 4)]);
});

test('W3: a plain user and the unit is down: nothing of it can use a build', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  await handOver(t, site);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const { code, document, stderr } = await asPlainUser(site);
  assert.equal([code, gone(document)], [0, ids(1, 2)], stderr);
});

test('W3: builds of another user: each is told with the cause and the way out, exit 77, and the others go', async (t) => {
  const site = await siteWithOld(t, { count: 4, keep: 0, service: ['User=65534'] });
  await handOver(t, site);
  const { sandbox, builds } = site;
  await sandbox.run('chown', 'root:root', `${builds}/${buildId(1)}`);
  await sandbox.run('sh', '-c', `mkdir ${builds}/${buildId(2)}/cache && touch ${builds}/${buildId(2)}/cache/x`);
  const { code, document, stderr } = await asPlainUser(site);
  assert.equal([code, document.exit_code, gone(document)], [77, 77, ids(3)], stderr);
  const known = document.failed.map(({ kind, name }) => [kind, name]);
  assert.equal(known, [
    ['build', buildId(1)],
    ['build', buildId(2)],
  ]);
  assert.match(document.failed[0]?.message ?? '', `${buildId(1)}: permission denied`);
  assert.match(document.failed[1]?.message ?? '', /cache\/x': Permission denied/);
  assert.match(document.failed[1]?.mend ?? '', 'sudo cutover prune production');
  const mended = await prune(site);
  assert.equal([mended.code, gone(mended.document)], [0, ids(1)], mended.stderr);
  assert.equal(
    mended.document.removed.map(({ kind }) => kind),
    ['build', 'rest'],
  );
  assert.equal(await namesOnDisk(site), ['current', ...ids(4, 5)]);
  assert.is(await sandbox.run('find', site.state, '!', '-user', '65534'), '', 'what root left there is not its own');
  const again = await asPlainUser(site);
  assert.is(again.code, 0, again.stderr);
});

test('W3: a plain user who may not read the state: exit 77, nothing is touched', async (t) => {
  const site = await siteWithOld(t, { count: 2, keep: 0 });
  for (const words of [['--dry-run'], []]) {
    const { code, document } = await asPlainUser<Refusal>(site, ...words);
    assert.equal([code, document.error?.code], [77, 'permission']);
  }
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2, 3)]);
});

for (const name of ['runs', 'evidence'] as const) {
  test(`W3, W4: a link to the ${name} of another target: root is refused, and nothing is removed there or here`, async (t) => {
    const other = await makeSite(t, { builds: [{}] });
    const site = await siteWithOld(t, { count: 3, keep: 0 });
    await handOver(t, site);
    const { sandbox, state } = site;
    const names = Array.from({ length: failuresKept + 5 }, (_, at) => `20250101-0000${at + 10}-00aa`);
    await sandbox.run('mkdir', '-p', ...names.map((run) => `${other.state}/evidence/${run}`));
    await sandbox.run('rm', '-rf', `${state}/${name}`);
    await sandbox.run('ln', '-s', `${other.state}/${name}`, `${state}/${name}`);
    for (const words of [['--dry-run'], []]) {
      const { code, document, stderr } = (await prune(site, ...words)) as unknown as Called<Refusal>;
      assert.equal([code, document.error?.code], [1, 'refused'], stderr);
      assert.match(document.error.message, `${state}/${name} is no directory, or a link`);
    }
    assert.equal((await readdir(sandbox.hostPath(`${other.state}/evidence`))).length, names.length);
    assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2, 3, 4)]);
    await sandbox.run('rm', `${state}/${name}`);
    const { code, stderr } = await prune(site);
    assert.is(code, 0, stderr);
    await assertSound(other, buildId(1));
  });
}

test('W3, W4: a link to the builds of another target: root is refused, and nothing is removed there', async (t) => {
  const other = await siteWithOld(t, { count: 3, keep: 0 });
  const site = await siteWithOld(t, { count: 1, keep: 0 });
  await handOver(t, site);
  const { sandbox, builds } = site;
  const kept = await namesOnDisk(other);
  await sandbox.run('chown', 'daemon:', dirname(builds));
  await sandbox.run('mv', builds, `${builds}.own`);
  await sandbox.run('ln', '-s', other.builds, builds);
  for (const words of [['--dry-run'], []]) {
    const { code, document, stderr } = (await prune(site, ...words)) as unknown as Called<Refusal>;
    assert.equal([code, document.error?.code], [1, 'refused'], stderr);
    assert.match(document.error.message, `${builds} is no directory, or a link`);
  }
  assert.equal(await namesOnDisk(other), kept);
});

test('W3, W4: old evidence and ledgers of another user go, and what cannot is told by its own path', async (t) => {
  const site = await siteWithOld(t, { count: 1, keep: 0 });
  const { sandbox, state } = site;
  const names = Array.from({ length: failuresKept + 3 }, (_, at) => `20250101-0000${at + 10}-00aa`);
  await sandbox.run('mkdir', '-p', ...names.map((run) => `${state}/evidence/${run}`));
  await handOver(t, site);
  const stuck = `${state}/evidence/${names[1]}`;
  await sandbox.run('chattr', '+i', stuck);
  t.cleanup(() => sandbox.exec(['chattr', '-i', stuck]));
  const { code, document, stderr } = await prune(site);
  assert.equal([code, document.failed.map(({ name }) => name)], [77, [names[1]]], stderr);
  assert.is(document.failed[0]?.message, `cannot remove '${stuck}': Operation not permitted`);
  assert.equal(document.removed.map(({ name }) => name).toSorted(), [names[0], names[2]]);
  assert.equal((await readdir(sandbox.hostPath(`${state}/evidence`))).length, failuresKept + 1);
});

test('W3: the builds directory is read-only: exit 77, told how to mend it, nothing is touched', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  const { sandbox, builds } = site;
  await sandbox.run('mount', '--bind', builds, builds);
  t.cleanup(() => sandbox.exec(['umount', builds]));
  await sandbox.run('mount', '-o', 'remount,bind,ro', builds);
  const { code, document, stderr } = await prune(site);
  assert.equal([code, gone(document), whyKept(document, buildId(1))], [77, [], 'stuck'], stderr);
  assert.match(document.failed[0]?.message ?? '', 'the file system is read-only');
  assert.match(document.failed[0]?.mend ?? '', 'mount -o remount,rw');
  await sandbox.run('umount', builds);
  assert.equal(gone((await prune(site)).document), ids(1, 2));
});

test('W3: a file that even root may not remove: told, the others go, and the rest goes once it may', async (t) => {
  const site = await siteWithOld(t, { count: 4, keep: 0 });
  const { sandbox, builds } = site;
  const locked = `${builds}/${buildId(2)}/app.mjs`;
  await sandbox.run('chattr', '+i', locked);
  t.cleanup(() => sandbox.exec(['sh', '-c', `chattr -R -i ${builds}`]));
  const { code, document, stderr } = await prune(site);
  assert.equal([code, gone(document)], [77, ids(1, 3)], stderr);
  assert.match(document.failed[0]?.message ?? '', 'Operation not permitted');
  const [rest] = (await namesOnDisk(site)).filter((name) => name.startsWith('.removing.'));
  const told = await site.tell('prune');
  assert.equal([told.code, told.stdout.includes(`✗ ${rest}`)], [77, true], told.stdout);
  assert.match(told.stdout, `-> chattr -R -i -a ${builds}/${rest}`);
  await sandbox.run('chattr', '-R', '-i', `${builds}/${rest}`);
  assert.is((await prune(site)).code, 0);
  assert.equal(await namesOnDisk(site), ['current', ...ids(4, 5)]);
});

test('no bus: exit 69, and nothing is touched', async (t) => {
  const site = await siteWithOld(t, { count: 2, keep: 0 });
  const nowhere = { env: { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/run/nowhere' } };
  const { code, document } = await site.call<Refusal>('prune', [], nowhere);
  assert.equal([code, document.error?.code], [69, 'systemd_unavailable']);
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2, 3)]);
});

/** Calls `pruneAfter` in a process of its own, as a command does after its run, and gives what it told. */
async function pruneAfter({ sandbox, config, app }: Site): Promise<string> {
  const code = `
    import { placeFor } from '${repository}/lib/cli/place.ts';
    import { pruneAfter } from '${repository}/lib/deployer/prune.ts';
    import { plainColours } from '${repository}/lib/report/plain.ts';
    const told = (text) => process.stdout.write(text);
    const terminal = { print: told, tell: told, complain: told, colours: plainColours, isLive: false, env: process.env, cwd: '/' };
    await pruneAfter(await placeFor('production', { config: '${config}' }, terminal));
    process.exit(0);`;
  const node = [process.execPath, '--import', `${repository}/node_modules/tsx/dist/esm/index.mjs`] as const;
  const script = `/srv/${app}/after.mjs`;
  await writeFile(sandbox.hostPath(script), code);
  const { stdout, stderr, code: exitCode } = await sandbox.exec([...node, script]);
  assert.is(exitCode, 0, stderr);
  return stdout;
}

test('W3: after a run it removes what is old, says so in a line, and says nothing when nothing is', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  assert.is(await pruneAfter(site), `  note: removed old builds: ${ids(1, 2).join(', ')}`);
  assert.is(await pruneAfter(site), '');
  await assertSound(site, buildId(4));
});

test('W3: after a run it leaves the target to another run, and an error is a note', async (t) => {
  const site = await siteWithOld(t, { count: 2, keep: 100 });
  await site.add({ mode: 'held' });
  await site.configure({ keys: ['keep = 100'], tables: held.tables });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  await site.configure({ keys: ['keep = 0'] });
  assert.is(await pruneAfter(site), '');
  await assertSound(site, buildId(4), await run.end());
  const { sandbox, builds } = site;
  await sandbox.run('chattr', '+i', builds);
  t.cleanup(() => sandbox.exec(['chattr', '-i', builds]));
  assert.match(
    await pruneAfter(site),
    /^  note: dist\.20260203-150001 and 1 more could not be removed: .* -> cutover prune/,
  );
});
