// needs: sandbox
import * as assert from 'uvu/assert';
import { sandboxFor } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { startLoad } from './load.ts';
import { buildId } from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/slow-stop');
const [first, second] = [buildId(1), buildId(2)];

/** What a unit has that says nothing of its stop, and a build that ends by no SIGTERM. */
const slow = {
  builds: [{ mode: 'ignore_sigterm' as const }],
  service: ['TimeoutStopSec=90s'],
  tables: { stop: ['timeout = "2s"'], start: ['timeout = "10s"'] },
};

for (const [strategy, makeIt] of [
  ['socket', makeSocketSite],
  ['overlap', makeOverlapSite],
] as const) {
  test(`S12: stop.timeout holds with the strategy ${strategy}, whatever the unit's own is: the build before is killed`, async (t) => {
    const site = await makeIt(t, slow);
    await site.add();
    const load = await startLoad(t, site);
    const called = await site.call('deploy');
    const { failed } = await load.end();
    assert.equal([called.code, called.document.active], [0, second], called.stderr);
    assert.match(called.stderr, 'did not end within 2 s (stop.timeout), and was killed');
    const restart = called.document.steps.find(({ name }) => name === 'restart');
    assert.ok((restart?.duration_ms ?? 0) >= 2_000, 'it had its time');
    assert.ok((restart?.duration_ms ?? Infinity) < 60_000, `it took ${restart?.duration_ms} ms`);
    // It answers until it is killed, and what it was just answering is cut: nobody is refused.
    const refused = failed.filter((code) => code !== 'ECONNRESET');
    assert.equal(refused, []);
    await assertSound(site, second, called);
  });
}

test('S12: a start has all of its time although the stop before it took all of its own', async (t) => {
  // Together they take longer than either may.
  const tables = { stop: ['timeout = "8s"'], start: ['timeout = "12s"'] };
  const site = await makeSocketSite(t, { ...slow, service: [...slow.service, 'ExecStartPre=/bin/sleep 5'], tables });
  await site.add();
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S5: a stop that even a kill does not end is not held against the build that never ran', async (t) => {
  // Each kill ends one of the commands, and the next one begins.
  const flag = '/run/stops-at-once';
  const waits = `ExecStopPost=-/bin/sh -c 'test -e ${flag} || exec sleep 60'`;
  // Not at the first deploy: whoever asks meanwhile has the socket start the service, and the job stops it again.
  const sandbox = await sandboxFor();
  await sandbox.run('touch', flag);
  const site = await makeSocketSite(t, { ...slow, builds: [{}], service: [...slow.service, waits, waits] });
  await sandbox.run('rm', flag);
  await site.add();
  const called = await site.call('deploy');
  const { active, failure } = called.document;
  assert.equal([called.code, active, failure?.step, failure?.reason], [4, first, 'restart', 'systemd'], called.stderr);
  assert.match(failure?.message ?? '', 'did not stop, although it was killed, within 10 s');
  const { document } = await site.call<{ builds: { id: string; state: string }[] }>('builds');
  assert.is(document.builds.find(({ id }) => id === second)?.state, 'untried');
  await assertSound(site, first, called);
  await sandbox.run('touch', flag);
});
