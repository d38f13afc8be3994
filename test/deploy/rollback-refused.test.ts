// needs: sandbox
import { cp, rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { buildId, makeSite, type Refusal, type Site, until, writeUnit } from './site.ts';
import { assertSound, whoServes } from './sound.ts';
import { mainPid, startStranger } from './stranger.ts';

const test = suite('deploy/a rollback that could only end with the service down');
const [first, second] = [buildId(1), buildId(2)];

test('S8: where current is a directory: refused before anything is stopped', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  const served = await whoServes(site);
  const link = site.sandbox.hostPath(`${site.builds}/current`);
  await rm(link);
  await cp(site.sandbox.hostPath(`${site.builds}/${second}`), link, { recursive: true });
  const mend = `mv ${site.builds}/current ${site.builds}/current.saved && ln -s ${second} ${site.builds}/current`;
  await assertRefused(site, {
    fact: /^production was not touched: current is a directory$/,
    mend: `${mend}, then cutover rollback production`,
  });
  assert.equal(await whoServes(site), served, 'the same process serves');
  await site.sandbox.run('sh', '-c', mend);
  const called = await site.call('rollback');
  await rm(`${link}.saved`, { recursive: true });
  assert.equal([called.code, called.document.from, called.document.active], [0, second, first], called.stderr);
  await assertSound(site, first, called);
});

test('S8: a masked unit: refused while it runs', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit } = site;
  await site.call('deploy');
  const served = await whoServes(site);
  await sandbox.run('mv', site.unitFile, `${site.unitFile}.kept`);
  await sandbox.run('systemctl', 'mask', unit);
  t.cleanup(() => rm(sandbox.hostPath(`${site.unitFile}.kept`), { force: true }));
  await assertRefused(site, {
    fact: new RegExp(`^production was not touched: ${unit}: masked$`),
    mend: `systemctl unmask ${unit}, then cutover rollback production`,
  });
  assert.equal(await whoServes(site), served, 'the same process serves');
  await sandbox.run('systemctl', 'unmask', unit);
  await writeUnit(site);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
});

test('S8: a stranger on the port of a service that waits for it: refused and named, and systemd goes on trying', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], service: ['RestartSec=1s'] });
  const { sandbox, unit } = site;
  await site.call('deploy');
  await sandbox.run('mkdir', '-p', `/run/systemd/system/${unit}.d`);
  await writeUnit(site, ['RestartSec=100ms', 'StartLimitIntervalSec=0']);
  await sandbox.run(
    'bash',
    '-c',
    `printf '[Unit]\nStartLimitIntervalSec=0\n' > /run/systemd/system/${unit}.d/limit.conf`,
  );
  t.cleanup(() => sandbox.exec(['rm', '-r', `/run/systemd/system/${unit}.d`]));
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'stop', unit);
  const stranger = await startStranger(site);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', stranger]));
  await sandbox.run('systemctl', 'start', '--no-block', unit);
  await until('it is started again and again', async () => Number(await property(site, 'NRestarts')) > 0);
  await assertRefused(site, {
    fact: new RegExp(`is held by pid ${await mainPid(site, stranger)} .* of ${stranger}$`),
    mend: `systemctl stop ${stranger}, then cutover rollback production`,
  });
  await sandbox.run('systemctl', 'stop', stranger);
  await until('it has come back by itself', async () => (await whoServes(site))?.build === second);
});

async function assertRefused(site: Site, { fact, mend }: { fact: RegExp; mend: string }): Promise<void> {
  const { code, document, stderr } = await site.call<Refusal>('rollback');
  assert.equal([code, document.exit_code, document.error?.code], [1, 1, 'refused'], stderr);
  assert.match(document.error.message, fact);
  assert.is(document.error.mend, mend);
}

async function property({ sandbox, unit }: Site, name: string): Promise<string> {
  return (await sandbox.run('systemctl', 'show', `--property=${name}`, '--value', unit)).trim();
}
