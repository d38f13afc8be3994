// needs: sandbox
// deadline: 10min
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { clearAfter, textOf, unitDirectory } from '../deploy/initiating.ts';
import { held, leaveBehind, startDeploy, untilBegun, untilSettled } from '../deploy/running.ts';
import { buildId, type Called, calledFrom, type Site } from '../deploy/site.ts';
import { assertSound } from '../deploy/sound.ts';
import { suite } from '../suite.ts';
import { installInto } from './packed.ts';
import { hideRepository, placedFile, placeFile, runningBy, siteFor } from './placed.ts';

const test = suite('package/on a server', { timeoutMs: 180_000 });
const [first, second] = [buildId(1), buildId(2)];
const tools = dirname(placedFile);
/** Each start says in the journal which build it is of. */
const sayWhere = 'ExecStartPre=/bin/pwd -P';

/** Calls one of the executables, with the site's configuration. */
async function call(site: Site, path: string, ...words: string[]): Promise<Called> {
  const { sandbox, config } = site;
  const command = [process.execPath, path, ...words, '--config', config, '--json'] as const;
  return calledFrom(await sandbox.exec(command, { timeoutMs: 120_000 }));
}

test('S8: with the file alone: a deploy, one that is killed and settled by systemd, and a rollback', async (t) => {
  const site = await siteFor(t, placedFile, held);
  await placeFile(site.sandbox);
  await hideRepository(site.sandbox);
  const good = await call(site, placedFile, 'deploy', 'production', first);
  assert.equal([good.code, good.document.active], [0, first], good.stderr);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
  const { outcome, failure } = (await call(site, placedFile, 'report', 'production')).document;
  assert.equal([outcome, failure?.reason], ['rolled_back', 'interrupted']);
  assert.equal(await namesIn(site), ['cutover', 'deploy-with-zero-downtime', 'pre-deployment-check', 'safe-deploy']);
});

test('S1, S7, S9: the old names are links to the file, and a killed one of them is settled too', async (t) => {
  const site = await siteFor(t, placedFile, { builds: [{}, {}, { mode: 'held' }], tables: held.tables });
  await placeFile(site.sandbox);
  const direct = join(tools, 'deploy-with-zero-downtime');
  const words = [site.unit, `${site.builds}/${first}`, String(site.port), '--json'] as const;
  const said = await site.sandbox.exec([process.execPath, direct, ...words], { timeoutMs: 120_000 });
  assert.is(said.code, 0, said.stderr);
  const next = await call(site, join(tools, 'safe-deploy'), 'production', second);
  assert.equal([next.code, next.document.active], [0, second], next.stderr);
  const checked = await site.sandbox.exec(
    [process.execPath, join(tools, 'pre-deployment-check'), 'production', '--config', site.config],
    { timeoutMs: 120_000 },
  );
  assert.is(checked.code, 0, checked.stderr);
  const old = { ...site, sandbox: runningBy(site.sandbox, join(tools, 'safe-deploy')) };
  const begun = await old.sandbox.startCutover(['production', '--config', site.config]);
  begun.stdout.resume();
  begun.stderr.resume();
  await untilBegun(site, 'start');
  begun.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, second);
});

test('S8: the power goes: the unit that the file alone has put there settles at boot', async (t) => {
  const site = await siteFor(t, placedFile, { builds: [{}, { mode: 'never_listen' }], service: [sayWhere] });
  const { sandbox } = site;
  clearAfter(t, sandbox);
  await placeFile(sandbox);
  const good = await call(site, placedFile, 'deploy', 'production', first);
  assert.is(good.code, 0, good.stderr);
  const installed = await sandbox.cutover(['init', '--install', '--config', site.config]);
  assert.is(installed.code, 0, installed.stderr);
  const unit = await textOf(sandbox, `${unitDirectory}/cutover-settle@.service`);
  assert.match(unit, `\nExecStart=${process.execPath} ${placedFile} settle --boot`);
  await sandbox.run('systemctl', 'enable', site.unit);
  await startDeploy(site);
  await untilBegun(site, 'start');
  await sandbox.reboot();
  await untilSettled(site);
  await assertSound(site, first);
});

test('S8: from the installed package: units are found, a deploy goes well, and a dead one is settled', async (t) => {
  const prefix = '/srv/npm';
  const executable = `${prefix}/bin/cutover`;
  const site = await siteFor(t, executable, held);
  const { sandbox } = site;
  clearAfter(t, sandbox);
  await installInto(sandbox.hostPath(prefix));
  const real = `${prefix}/lib/node_modules/cutover/bin/cutover.js`;
  const installed = await sandbox.cutover(['init', '--install', '--config', site.config]);
  assert.is(installed.code, 0, installed.stderr);
  const unit = await textOf(sandbox, `${unitDirectory}/cutover-settle@.service`);
  assert.match(unit, `\nExecStart=${process.execPath} ${real} settle --boot`);
  const good = await call(site, executable, 'deploy', 'production', first);
  assert.is(good.code, 0, good.stderr);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
  await leaveBehind(site);
  const settled = await call(site, `${prefix}/bin/cutover`, 'settle', 'production');
  assert.equal([settled.code, settled.document.active], [0, first], settled.stderr);
});

async function namesIn({ sandbox }: Site): Promise<string[]> {
  return (await readdir(sandbox.hostPath(tools))).toSorted((one, other) => (one < other ? -1 : 1));
}
