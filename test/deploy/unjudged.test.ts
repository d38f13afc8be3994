// needs: sandbox
import * as assert from 'uvu/assert';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { repository, sandboxFor } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { plainUser } from './plain-user.ts';
import { buildId, makeSite } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/unjudged');
const [first, second] = [buildId(1), buildId(2)];
const health = ['healthy_for = "2s"'];
const hidden = 'deployer sees nothing of .* in the journal, so errors in it cannot be judged: ';
const mend = 'sudo usermod -aG systemd-journal deployer, then log in anew';

/** Journald keeps all in one file that plain users may not read. */
async function hideJournal(t: TestContext): Promise<void> {
  const sandbox = await sandboxFor();
  const file = '/etc/systemd/journald.conf.d/volatile.conf';
  await sandbox.run('mkdir', '-p', '/etc/systemd/journald.conf.d');
  await sandbox.exec(['tee', file], { input: '[Journal]\nStorage=volatile\n' });
  await sandbox.run('systemctl', 'restart', 'systemd-journald');
  t.cleanup(async () => {
    await sandbox.run('rm', file);
    await sandbox.run('systemctl', 'restart', 'systemd-journald');
  });
}

test('S3: a journal that may not be read is not a journal without errors', async (t) => {
  await hideJournal(t);
  const site = await makeSite(t, { builds: [{}, { mode: 'log_errors' }], user: await plainUser() });
  const tables = { health, limits: ['memory_spike = 0'] };
  await site.configure({ tables });
  const check = await site.call<CheckReport>('check');
  assert.equal([check.code, check.document.safe], [0, true], check.stderr);
  assert.match(check.stderr, new RegExp(`note: ${hidden}${mend}`));
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.match(called.stderr, new RegExp(`note: ${hidden}${mend}`));
  assert.is(called.stderr.split('in the journal').length, 2, 'once');
  await site.configure({ tables: { ...tables, limits: [...tables.limits, 'journal_errors = -1'] } });
  const off = await site.call('deploy', [first]);
  assert.is(off.code, 0);
  assert.not.match(off.stderr, 'in the journal', 'nothing is asked of it');
  await assertSound(site, first);
});

test('S3: once the user may read it, its errors count, and nothing is noted', async (t) => {
  await hideJournal(t);
  const sandbox = await sandboxFor();
  await sandbox.run('usermod', '-aG', 'systemd-journal', 'deployer');
  t.cleanup(() => sandbox.run('gpasswd', '--delete', 'deployer', 'systemd-journal'));
  const site = await makeSite(t, { builds: [{}, { mode: 'log_errors' }], user: await plainUser() });
  await site.configure({ tables: { health: ['healthy_for = "5s"'] } });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.failure?.reason], [4, 'journal'], called.stderr);
  assert.not.match(called.stderr, 'in the journal');
  await assertSound(site, first, called);
});

test('S3: a user who may read what his own units write is told nothing', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], user: await plainUser() });
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  assert.not.match(called.stderr + (await site.call('check')).stderr, 'in the journal');
});

test('S3: a user with a journal of his own sees nothing of a unit of the system', async (t) => {
  const user = await plainUser();
  const [own, theirs] = [await makeSite(t, { user }), await makeSite(t)];
  const script = `/srv/${own.app}-hidden.mjs`;
  const code = `
    import { isJournalHidden } from '${repository}/lib/systemd/journal.ts';
    const queries = [{ manager: 'user', unit: '${own.unit}' }, { manager: 'system', unit: '${theirs.unit}' }];
    console.log(JSON.stringify(await Promise.all(queries.map(isJournalHidden))));`;
  await theirs.sandbox.exec(['tee', script], { input: code });
  t.cleanup(() => theirs.sandbox.run('rm', script));
  const node = [process.execPath, '--import', `${repository}/node_modules/tsx/dist/esm/index.mjs`, script] as const;
  assert.is(await user.sandbox.run(...node), '[false,true]');
  assert.is(await theirs.sandbox.run(...node), '[false,false]', 'root sees all');
});

test('S3: a limit whose measure systemd does not have is told of, once, and does not fail the deploy', async (t) => {
  const service = ['MemoryAccounting=no', 'CPUAccounting=no'];
  const site = await makeSite(t, { builds: [{}, { mode: 'eat_memory', megabytes: 100 }, {}], service });
  const limits = ['memory = "50M"', 'memory_spike = 0', 'cpu = "50%"'];
  await site.configure({ tables: { health, limits } });
  const called = await site.call('deploy', [second]);
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  const memory = `the memory of ${site.unit} is not measured, so limits.memory cannot be judged: MemoryAccounting= is off`;
  const cpu = `the processor time of ${site.unit} is not measured, so limits.cpu cannot be judged: CPUAccounting= is off`;
  for (const words of [memory, cpu]) assert.is(called.stderr.split(words).length, 2, `${words}: ${called.stderr}`);
  await site.configure({ tables: { limits: ['memory_spike = 0'] } });
  const off = await site.call('deploy', [buildId(3)]);
  assert.not.match(off.stderr, 'cannot be judged');
  await assertSound(site, buildId(3), off);
});

test('S3: a load that the gate was too short to see is told of', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.configure({ tables: { limits: ['cpu = "50%"'] } });
  const called = await site.call('deploy');
  // The load is counted from the first look, which may come while the start is still seen to its end.
  const counted = called.document.steps.filter(({ name }) => name === 'start' || name === 'gate');
  if (counted.reduce((sum, { duration_ms }) => sum + duration_ms, 0) < 1_000)
    assert.match(called.stderr, 'note: limits.cpu was not judged, since the gate was over in less than 1 s');
  await assertSound(site, second, called);
});
