// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../../suite.ts';
import { adopt, configurePlain, type PlainSite, plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';

const test = suite('deployer/init adopt unwritten', { timeoutMs: 300_000 });
const configured = '/etc/cutover';
const state = '/var/lib/cutover/plain';
const record = `${state}/production/adoption.json`;

/** Puts a small disk of its own at a folder; gives what takes it away. */
async function smallDisk(t: TestContext, { sandbox }: PlainSite, folder: string): Promise<void> {
  await sandbox.run('mkdir', '-p', folder);
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'small', folder);
  t.cleanup(() => sandbox.exec(['umount', folder]));
}

/** Root does something as soon as the service is started in a build. */
async function atStart({ sandbox, unit }: PlainSite, doing: string): Promise<void> {
  const script = `case $(pwd -P) in *-builds/*) ${doing};; esac\n`;
  await writeFile(sandbox.hostPath('/srv/plain/at-start.sh'), script);
  await sandbox.run('mkdir', '-p', `/etc/systemd/system/${unit}.d`);
  const beside = `/etc/systemd/system/${unit}.d/own.conf`;
  await writeFile(sandbox.hostPath(beside), '[Service]\nExecStartPre=-+/bin/sh /srv/plain/at-start.sh\n');
  await sandbox.run('systemctl', 'daemon-reload');
}

async function settle({ sandbox }: PlainSite): Promise<string> {
  const { code, stderr } = await sandbox.cutover(['settle', 'production', '--json']);
  assert.is(code, 0, stderr);
  return stderr;
}

function invocation({ sandbox, unit }: PlainSite): Promise<string> {
  return sandbox.run('systemctl', 'show', '--property=InvocationID', unit);
}

test('no room for the configuration after the proof: that it has moved is said, and the same command goes on', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, builds, config } = site;
  await smallDisk(t, site, configured);
  await sandbox.exec(['sh', '-c', `cat /dev/zero > ${configured}/.full`]);
  const first = await refusedAdoption(site);
  assert.equal([first.code, first.kind], [3, 'failed'], first.message);
  assert.match(first.message, `${unit} serves from ${builds}/current; what is left is to be written down: `);
  assert.match(first.message, `cannot write ${config}: no space left`);
  assert.match(first.mend, `df -h ${configured}`);
  assert.match(first.mend, `then again: cutover init ${unit} --adopt`);
  const served = await servedFrom(site);
  assert.match(served ?? '', `${builds}/dist.`);
  const run = await invocation(site);
  const again = await refusedAdoption(site);
  assert.equal([again.code, again.message], [3, first.message]);
  await sandbox.run('rm', `${configured}/.full`);
  const { code, document, stderr } = await adopt(site);
  assert.equal([code, document.adopted], [0, null], stderr);
  assert.match(stderr, 'had been cut off after its proof, and was completed');
  assert.equal([await servedFrom(site), await invocation(site)], [served, run], 'it was left alone');
  assert.is((await sandbox.cutover(['config', '--check'])).code, 0);
  assert.is((await adopt(site, '--undo')).code, 0);
});

test('the disk of the state fills up while it moves: there is room for the proof, and nothing takes the move back', async (t) => {
  const site = await plainSite(t);
  const { sandbox, builds } = site;
  await smallDisk(t, site, state);
  await atStart(site, `cat /dev/zero > ${state}/.full`);
  const { code, document, stderr } = await adopt(site);
  assert.is(code, 0, stderr);
  const run = await invocation(site);
  await sandbox.run('rm', `${state}/.full`);
  assert.is((await adopt(site)).code, 0);
  assert.equal([await servedFrom(site), await invocation(site)], [`${builds}/${document.adopted?.build}`, run]);
});

test('somebody else writes the configuration meanwhile: it stays, and what is to be added there is told', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, builds, config } = site;
  const theirs = 'app = "other"\n[targets.live]\nunit = "other.service"\nbuilds = "/srv/other"\n';
  await writeFile(sandbox.hostPath('/srv/plain/theirs.toml'), theirs);
  await atStart(site, `mkdir -p ${configured}; cp /srv/plain/theirs.toml ${config}`);
  const { code, document, stderr } = await adopt(site);
  assert.is(code, 0, stderr);
  const { status, content = '' } = document.files.find(({ path }) => path === config) ?? {};
  assert.is(status, 'kept');
  assert.match(content, `unit = "${unit}"`);
  const note = document.notes.find((text) => text.startsWith(config)) ?? '';
  assert.match(note, `${config} is there already, and has no target production yet`);
  assert.match(note, /-> add these lines to .*\n\s+\[targets\.production\]\n/);
  assert.is(await sandbox.run('cat', config), theirs.trimEnd());
  assert.match((await servedFrom(site)) ?? '', `${builds}/dist.`);
});

test('the proof itself cannot be written down: that the next command takes it back is said, and so it is', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  await configurePlain(site);
  // No other file can take its name then.
  t.cleanup(() => sandbox.exec(['umount', record]));
  await atStart(site, `mount --bind ${record} ${record}`);
  const { code, kind, message, mend } = await refusedAdoption(site);
  assert.equal([code, kind], [3, 'failed'], message);
  assert.match(message, `${unit} serves from ${builds}/current, and the next command on it takes that back first; `);
  assert.match(mend, `cutover init ${unit} --adopt`);
  assert.match((await servedFrom(site)) ?? '', `${builds}/dist.`);
  await sandbox.run('umount', record);
  assert.match(await settle(site), 'had been cut off, and was taken back first');
  assert.is(await servedFrom(site), source);
});
