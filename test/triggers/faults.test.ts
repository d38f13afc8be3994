// needs: sandbox
import { readdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { lockText } from '../deploy/running.ts';
import { until } from '../deploy/site.ts';
import { assertSound, currentLink } from '../deploy/sound.ts';
import { suite } from '../suite.ts';
import { pushSite, seenBy } from './pushing.ts';

const test = suite('triggers/faults', { timeoutMs: 120_000 });

test('P2: what cannot become a build is told to the pusher, and changes nothing', async (t) => {
  const site = await pushSite(t);
  const { sandbox, repository } = site;
  const good = await site.commit({});
  assert.match(seenBy(await site.push()), 'proven healthy');
  const serving = await currentLink(site);
  await site.git('rm', '-q', '-r', '.');
  await site.git('commit', '-q', '-m', 'nothing');
  const empty = seenBy(await site.push());
  assert.match(empty, 'the archive holds no file');
  assert.match(empty, 'production: no usable build, and nothing was changed (exit code 2)');
  await site.git('reset', '-q', '--hard', good);
  await site.commit({ mode: 'crash' }, { broken: 'much' });
  // The disk has lost a file of the commit, after the push was taken.
  const hook = `${repository}/hooks/post-receive`;
  const lose = `#!/bin/sh\\nread -r old new ref\\nblob=$(git rev-parse $new:broken)\\nrm -f objects/$(echo $blob | cut -c1-2)/$(echo $blob | cut -c3-)\\n`;
  await sandbox.run('sh', '-ec', `printf '${lose}' >${hook}.own; chmod +x ${hook}.own`);
  const lost = seenBy(await site.push('--force', 'main'));
  assert.match(lost, /cannot archive [0-9a-f]{40}: .*(read|missing|blob|object)/);
  assert.match(lost, '(exit code 2)');
  await assertSound(site, serving);
});

test('P2: a hook of another user, who could not look into the checkout', async (t) => {
  const site = await pushSite(t, { hooks: { test: { run: 'true', user: 'nobody' } } });
  await site.commit({});
  const seen = seenBy(await site.push());
  assert.match(seen, 'hooks.test: it runs as nobody, who cannot look into the checkout of a pushed commit');
  assert.match(seen, 'refused, and nothing was changed (exit code 1)');
  await assertSound(site, null);
});

test('P2: a deployer that is killed while the commit is tested leaves nothing that the next push minds', async (t) => {
  const site = await pushSite(t, { hooks: { test: 'test -f quick || { touch /srv/begun; sleep 30; }' } });
  const { sandbox, state } = site;
  await site.commit({});
  const pushed = site.push();
  await until('the tests run', async () => (await sandbox.exec(['test', '-e', '/srv/begun'])).code === 0);
  const pid = /"pid":(\d+)/.exec(await lockText(site))?.[1] ?? '';
  await sandbox.run('kill', '-KILL', pid);
  assert.is((await pushed).code, 0, 'the push was taken');
  assert.ok((await readdir(sandbox.hostPath(state))).includes('work'));
  await site.commit({}, { quick: 'yes' });
  assert.match(seenBy(await site.push()), 'proven healthy');
  assert.not.ok((await readdir(sandbox.hostPath(state))).some((name) => name.startsWith('work')));
  assert.not.ok((await sandbox.exec(['pgrep', '-f', 'sleep 30'])).code === 0, 'the tests of the dead one are ended');
  await assertSound(site, await currentLink(site));
});
