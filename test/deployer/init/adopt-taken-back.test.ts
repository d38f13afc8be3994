// needs: sandbox
// deadline: 10min
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { calledFrom, until } from '../../deploy/site.ts';
import { repository } from '../../sandboxed.ts';
import { suite, type TestContext } from '../../suite.ts';
import {
  adopt,
  configurePlain,
  everything,
  type PlainSite,
  plainSite,
  refusedAdoption,
  servedFrom,
} from './adopt-site.ts';

const test = suite('deployer/init adopt taken back', { timeoutMs: 300_000 });
const preload = `--require=${join(repository, 'test/deployer/init/kill-at.cjs')}`;
/** The service runs in the copy, has proven itself, and that is about to get its name. */
const beforeProof = 7;
/** What the service does with what users send it. */
const writing =
  'mkdir -p uploads/2031; echo a > uploads/2031/a.txt; echo [] > users.json; echo more >> "old notes.txt"; echo x > data/x';

/** Has the service do something first where it runs in a build. */
async function inBuilds({ sandbox, unit, source }: PlainSite, doing: string): Promise<void> {
  const script = [`case $(pwd -P) in *-builds/*) ${doing};; esac`, `exec ${process.execPath} app.mjs`, ''];
  await writeFile(sandbox.hostPath(`${source}/run.sh`), script.join('\n'));
  await sandbox.run('sh', '-c', `cd ${source}; echo one > 'old notes.txt'; touch -d 2020-01-01 'old notes.txt' run.sh`);
  await sandbox.run('mkdir', '-p', `/etc/systemd/system/${unit}.d`);
  const beside = `/etc/systemd/system/${unit}.d/own.conf`;
  await writeFile(sandbox.hostPath(beside), '[Service]\nExecStart=\nExecStart=/bin/sh run.sh\n');
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'restart', unit);
}

async function keptIn({ sandbox, builds }: PlainSite): Promise<string> {
  const names = await sandbox.run('ls', '-A', builds);
  assert.match(names, /^taken-back\.\d{8}-\d{6}$/, 'no build, and no current');
  return `${builds}/${names}`;
}

async function assertTold({ source, unit }: PlainSite, kept: string, said: string): Promise<void> {
  assert.match(said, `what ${unit} wrote meanwhile lies in ${kept}`);
  assert.match(said, `${kept}/uploads is not in ${source} -> cp -a ${kept}/uploads ${source}/`);
  assert.match(said, `${kept}/users.json is not in ${source} -> cp -a ${kept}/users.json ${source}/`);
  assert.match(said, `'${source}/old notes.txt' '${kept}/old notes.txt'`);
  assert.not.match(said, /app\.mjs|run\.sh|data/);
}

test('it wrote there and did not serve: all of that is kept, and the move goes on once it is brought back', async (t) => {
  const site = await plainSite(t);
  const { sandbox, source, unit } = site;
  await inBuilds(site, `${writing}; exit 3`);
  await until('it serves', async () => (await servedFrom(site)) === source);
  const { code, document, stderr } = await adopt<{ error: { message: string; mend: string } }>(
    site,
    '--shared',
    'data',
  );
  const { message, mend } = document.error;
  assert.is(code, 4, stderr);
  const kept = await keptIn(site);
  assert.match(message, `it serves from ${source} again, and what ${unit} wrote meanwhile lies in ${kept}`);
  assert.match(mend, `diff -r ${source} ${kept}, and once it holds nothing that you want: rm -r ${kept}`);
  await assertTold(site, kept, `${stderr}\n${message}`);
  assert.is(await servedFrom(site), source);
  assert.is(await sandbox.run('cat', `${kept}/uploads/2031/a.txt`, `${kept}/users.json`), 'a\n[]');
  const again = await refusedAdoption(site, '--shared', 'data');
  assert.equal([again.code, again.kind], [1, 'refused']);
  assert.match(again.message, `${kept} holds what ${unit} wrote there`);
  // As the notes and the refusal say; the service writes no more.
  const typed = [...stderr.matchAll(/-> (cp -a .*)$/gm)].map(([, command = '']) => command);
  assert.is(typed.length, 2, stderr);
  const healing = `rm -r ${kept}; sed -i '1s/.*/:/' ${source}/run.sh; find ${source} -exec touch -d 2020-01-01 {} +`;
  await sandbox.run('sh', '-ec', `${typed.join('; ')}; ${healing}; systemctl restart ${unit}`);
  await until('it serves', async () => (await servedFrom(site)) === source);
  assert.is((await adopt(site, '--shared', 'data')).code, 0);
  assert.is(await sandbox.run('cat', `${site.builds}/current/uploads/2031/a.txt`), 'a');
});

test('killed before the proof is written down, used for weeks: whatever ends it keeps what was written', async (t) => {
  const site = await plainSite(t);
  const { sandbox, source, unit, builds } = site;
  await inBuilds(site, ':');
  await until('it serves', async () => (await servedFrom(site)) === source);
  await configurePlain(site);
  const before = await everything(site);
  const env = { NODE_OPTIONS: preload, KILL_AT: String(beforeProof) };
  const killed = await sandbox.cutover(['init', unit, '--adopt', '--shared', 'data'], { env });
  assert.ok(killed.code === null || killed.code === 137, `exit ${killed.code}: ${killed.stderr}`);
  assert.match((await servedFrom(site)) ?? '', `${builds}/dist.`);
  await sandbox.run('sh', '-ec', `cd ${builds}/current; ${writing}; rm data/x`);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.not.equal(deployed.code, 0);
  const kept = await keptIn(site);
  assert.match(deployed.stderr, 'had been cut off, and was taken back first');
  await assertTold(site, kept, deployed.stderr);
  assert.is(await servedFrom(site), source);
  assert.is(await sandbox.run('cat', `${kept}/uploads/2031/a.txt`, `${kept}/users.json`), 'a\n[]');
  await sandbox.run('rm', '-r', builds);
  assert.is(await everything(site), before);
});

test('it cannot be stopped on the way back: the copy that it runs in stays until it has ended, and the next call goes on', async (t) => {
  const site = await plainSite(t);
  const { sandbox, source, unit, builds } = site;
  await configurePlain(site, [
    '[targets.production.stop]',
    'timeout = "1s"',
    '[targets.production.start]',
    'timeout = "10s"',
  ]);
  const env = { NODE_OPTIONS: preload, KILL_AT: String(beforeProof) };
  const killed = await sandbox.cutover(['init', unit, '--adopt'], { env });
  assert.ok(killed.code === null || killed.code === 137, `exit ${killed.code}: ${killed.stderr}`);
  const copy = (await servedFrom(site)) ?? '';
  assert.match(copy, `${builds}/dist.`);
  await stopsBefore(t, site);
  const stuck = await sandbox.cutover(['init', unit, '--adopt', '--undo']);
  assert.is(stuck.code, 3, stuck.stderr);
  assert.match(stuck.stderr, `runs in ${copy} still, which stays`);
  assert.is(await servedFrom(site), copy);
  await sandbox.run('test', '-e', `${copy}/app.mjs`);
  await sandbox.run('systemctl', 'kill', '--signal=KILL', blocker);
  const undone = await sandbox.cutover(['init', unit, '--adopt', '--undo']);
  assert.equal([undone.code, await servedFrom(site)], [0, source], undone.stderr);
  assert.is((await sandbox.exec(['test', '-e', copy])).code, 1);
});

const blocker = 'cutover-blocker.service';

/** Has systemd stop the unit only after another one, whose stop comes to no end. */
async function stopsBefore(t: TestContext, { sandbox, unit }: PlainSite): Promise<void> {
  const path = sandbox.hostPath(`/etc/systemd/system/${blocker}`);
  const service = ['ExecStart=/bin/sleep infinity', 'ExecStop=/bin/sleep infinity', 'TimeoutStopSec=infinity'];
  await writeFile(path, [`[Unit]\nAfter=${unit}\n[Service]`, ...service, ''].join('\n'));
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'kill', '--signal=KILL', blocker]);
    await rm(path, { force: true });
  });
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', blocker);
  await sandbox.run('systemctl', 'stop', '--no-block', blocker);
}
