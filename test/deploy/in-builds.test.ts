// needs: sandbox
// deadline: 10min
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Finding } from '../../lib/checks/check.ts';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { configurePlain, type PlainSite, plainSite, servedFrom } from '../deployer/init/adopt-site.ts';
import { suite } from '../suite.ts';
import { calledFrom } from './site.ts';

const test = suite('deploy/in-builds', { timeoutMs: 280_000 });
const builds = '/srv/plain/plb';
const first = 'dist.20260101-000000';

/** A service in a plain directory, and a configuration with builds that it has nothing to do with. */
async function strangeSite(...[t, options]: Parameters<typeof plainSite>): Promise<PlainSite> {
  const site = await plainSite(t, options);
  const { sandbox, source, port } = site;
  await sandbox.run('sh', '-c', `mkdir -p ${builds}; cp -a ${source} ${builds}/${first}`);
  const health = ['[targets.production.health]', `url = "http://127.0.0.1:${port}/api/health"`];
  await configurePlain({ ...site, builds }, health);
  return site;
}

async function look({ sandbox }: PlainSite): Promise<{ code: number | null; found: Finding | undefined }> {
  const { code, document } = calledFrom<CheckReport>(await sandbox.cutover(['check', '--json']));
  const findings = document.checks.find(({ name }) => name === 'unit_file')?.findings;
  return { code, found: findings?.find(({ rule }) => rule === 'in_builds') };
}

const invocation = ({ sandbox, unit }: PlainSite): Promise<string> =>
  sandbox.run('systemctl', 'show', '--property=InvocationID', unit);

test('a service that does not run in the builds is left alone; with the lines of the finding it is deployed', async (t) => {
  const site = await strangeSite(t);
  const { sandbox, source, unit } = site;
  const before = await invocation(site);
  const { code, found } = await look(site);
  assert.equal([code, found?.status], [1, 'fail']);
  assert.is(found?.observed, `${unit} runs in ${source}, and names nothing in ${builds}`);
  const refused = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([refused.code, refused.document.outcome], [1, 'refused'], refused.stderr);
  assert.equal([await invocation(site), await servedFrom(site)], [before, source]);
  const [, ...lines] = (found?.mend ?? '').split('\n');
  await sandbox.run('mkdir', '-p', `/etc/systemd/system/${unit}.d`);
  await writeFile(sandbox.hostPath(`/etc/systemd/system/${unit}.d/zz.conf`), `${lines.join('\n')}\n`);
  await sandbox.run('systemctl', 'daemon-reload');
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, first], deployed.stderr);
  assert.is(await servedFrom(site), `${builds}/${first}`);
  // Now the configuration names the wrong ones.
  await sandbox.run('sh', '-c', `mv ${builds} ${builds}-real; mkdir ${builds}; cp -a ${source} ${builds}/${first}`);
  const text = await readFile(sandbox.hostPath(`/etc/systemd/system/${unit}.d/zz.conf`), 'utf8');
  const moved = text.replace(builds, `${builds}-real`);
  await writeFile(sandbox.hostPath(`/etc/systemd/system/${unit}.d/zz.conf`), moved);
  await sandbox.run('systemctl', 'daemon-reload');
  const other = await look(site);
  assert.equal([other.code, other.found?.status], [1, 'fail']);
  assert.match(other.found?.mend ?? '', `targets.production.builds = "${builds}-real"`);
});

test('a program that goes to the builds by itself is deployed, stopped or running', async (t) => {
  const script = '/srv/plain/app/start';
  const site = await strangeSite(t);
  const { sandbox, unit } = site;
  await writeFile(
    sandbox.hostPath(script),
    `#!/bin/sh\ncd /srv/plain/p*b/current && exec ${process.execPath} app.mjs\n`,
    { mode: 0o755 },
  );
  const file = sandbox.hostPath(`/etc/systemd/system/${unit}`);
  await appendFile(file, `\n[Service]\nExecStart=\nExecStart=${script}\n`);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'stop', unit);
  const stopped = await look(site);
  assert.equal([stopped.code, stopped.found?.status], [0, 'warn'], JSON.stringify(stopped));
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, first], deployed.stderr);
  const next = 'dist.20260102-000000';
  await sandbox.run('cp', '-a', `${builds}/${first}`, `${builds}/${next}`);
  const running = await look(site);
  assert.equal([running.code, running.found?.status], [0, 'pass'], JSON.stringify(running));
  const again = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([again.code, again.document.active], [0, next], again.stderr);
  assert.is(await servedFrom(site), `${builds}/${next}`);
});
