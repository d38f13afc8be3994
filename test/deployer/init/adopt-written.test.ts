// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { until } from '../../deploy/site.ts';
import { suite } from '../../suite.ts';
import { adopt, plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';

const test = suite('deployer/init adopt written', { timeoutMs: 300_000 });

test('what a service wrote before it was told to reload is still what it wrote', async (t) => {
  const site = await plainSite(t, { lines: ['ExecReload=/bin/true'] });
  const { sandbox, source, unit } = site;
  await sandbox.run('sh', '-c', `echo x > ${source}/notes.txt`);
  await sandbox.run('systemctl', 'reload', unit);
  const { code, message } = await refusedAdoption(site);
  assert.is(code, 1);
  assert.match(message, `${unit} writes in ${source}: notes.txt`);
});

test('what it writes while it is copied, or when it ends, is told, and the directory is not to be removed', async (t) => {
  const site = await plainSite(t);
  const { sandbox, source, unit } = site;
  const script = [
    "trap 'echo late > late.txt; kill $!' TERM",
    `${process.execPath} app.mjs &`,
    'wait $!',
    'wait $!',
    '',
  ];
  await writeFile(sandbox.hostPath(`${source}/run.sh`), script.join('\n'));
  await sandbox.run('touch', '-d', '2020-01-01', `${source}/run.sh`);
  const beside = `/etc/systemd/system/${unit}.d/own.conf`;
  await sandbox.run('mkdir', '-p', `/etc/systemd/system/${unit}.d`);
  await writeFile(sandbox.hostPath(beside), '[Service]\nExecStart=\nExecStart=/bin/sh run.sh\n');
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'restart', unit);
  await until('it serves', async () => (await servedFrom(site)) === source);
  const { code, document, stderr } = await adopt(site);
  assert.is(code, 0, stderr);
  const build = document.adopted?.build ?? '';
  assert.is(await servedFrom(site), `${site.builds}/${build}`);
  const [missing = '', kept = ''] = document.notes;
  assert.match(missing, `${source}/late.txt was written while the directory was copied`);
  assert.match(kept, `${source} stays (back with cutover init ${unit} --adopt --undo)`);
  assert.not.match(document.notes.join(), 'can be removed');
});
