// needs: sandbox
// deadline: 10min
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { buildId, makeSite, writeUnit } from '../../deploy/site.ts';
import { assertSound, whoServes } from '../../deploy/sound.ts';
import { badFindings, change, configOf, everything, holdersOf, refusedChange, stateOf } from './strategy-site.ts';

const test = suite('deployer/init strategy');
const [first, second, third, fourth, fifth] = [1, 2, 3, 4, 5].map(buildId) as [string, string, string, string, string];
/** The test service without what systemd hands it: it opens its port itself, and says when it cannot. */
const deaf = `ExecStart=\nExecStart=/usr/bin/env -u LISTEN_FDS ${process.execPath} app.mjs`;

test(
  'a service with its own port: socket, overlap, and back; a deploy with each, and nothing is left',
  async (t) => {
    const site = await makeSite(t, { builds: [{}, {}] });
    const { app, unit } = site;
    const before = await everything(site);
    const called = await change(site, 'socket');
    assert.is(called.code, 0, called.stderr);
    const { strategy, files, units, notes, downtime_ms } = called.document;
    assert.equal(strategy, { from: 'restart', to: 'socket' });
    assert.equal(
      files.map(({ path, status }) => `${status} ${path}`),
      [
        `written /etc/systemd/system/${app}.socket`,
        `written /etc/systemd/system/${unit}.d/zz-cutover-strategy.conf`,
        `written ${site.config}`,
      ],
    );
    assert.equal([units, notes], [[{ unit: `${app}.socket`, status: 'enabled' }], []]);
    // systemd opens the port as soon as the service has closed it.
    assert.ok(downtime_ms !== null && downtime_ms < 10_000, `downtime ${downtime_ms}`);
    assert.equal([await stateOf(site, `${app}.socket`), await holdersOf(site)], ['active', ['node', 'systemd']]);
    assert.equal(await badFindings(site), []);
    assert.equal(await deployed(site), ['socket', 0, second]);
    const repeated = await change(site, 'socket');
    assert.equal([repeated.code, repeated.document.downtime_ms], [0, null]);
    assert.ok(
      repeated.document.files.every(({ status }) => status === 'unchanged'),
      JSON.stringify(repeated.document),
    );

    const overlap = await change(site, 'overlap');
    assert.equal([overlap.code, overlap.document.downtime_ms, overlap.document.notes], [0, null, []], overlap.stderr);
    assert.equal(await badFindings(site), []);
    // When it is started alone, the port is closed long enough for anybody to see it.
    await site.add({ startMs: 500 });
    assert.equal(await deployed(site), ['overlap', 0, third]);
    await site.add({ mode: 'crash' });
    const bad = await site.call('deploy');
    assert.equal([bad.code, bad.document.active, bad.document.failure?.step], [4, third, 'stand-in'], bad.stderr);
    await assertSound(site, third, bad);
    const again = await change(site, 'overlap');
    assert.ok(
      again.document.files.every(({ status }) => status === 'unchanged'),
      JSON.stringify(again.document),
    );

    const back = await change(site, 'restart');
    assert.equal([back.code, back.document.strategy], [0, { from: 'overlap', to: 'restart' }], back.stderr);
    assert.ok((back.document.downtime_ms ?? 0) > 0);
    assert.is(await everything(site), before, 'what was not there before');
    assert.equal([await stateOf(site, `${app}.socket`), await holdersOf(site)], ['inactive', ['node']]);
    await site.add({});
    assert.equal(await deployed(site), ['restart', 0, fifth]);
    assert.is(fourth, buildId(4));
    assert.is((await change(site, 'restart')).document.downtime_ms, null, 'nothing to do');
  },
  { timeoutMs: 180_000 },
);

test(
  'from restart to overlap at once, and one step back',
  async (t) => {
    const site = await makeSite(t, { builds: [{}, {}] });
    const before = await everything(site);
    const called = await change(site, 'overlap');
    assert.equal([called.code, called.document.notes], [0, []], called.stderr);
    assert.equal(await badFindings(site), []);
    assert.equal(await deployed(site), ['overlap', 0, second]);
    // A stand-in is the service as it was when it was made: the same command makes it anew.
    await writeUnit(site, ['Environment=EXTRA=1']);
    const anew = await change(site, 'overlap');
    const written = anew.document.files.filter(({ status }) => status === 'written').map(({ path }) => path);
    assert.equal([anew.code, anew.document.downtime_ms], [0, null], anew.stderr);
    assert.equal(written, [`/etc/systemd/system/${site.app}-next@.service`]);
    await writeUnit(site);
    const socket = await change(site, 'socket');
    assert.equal([socket.code, socket.document.downtime_ms], [0, null], socket.stderr);
    assert.equal(
      socket.document.files.map(({ status }) => status),
      ['unchanged', 'removed', 'unchanged', 'written'],
    );
    assert.equal(await badFindings(site), []);
    assert.is((await change(site, 'restart')).code, 0);
    assert.is(await everything(site), before);
    await assertSound(site, second);
  },
  { timeoutMs: 120_000 },
);

test(
  'a program that opens its port itself: told in words, and it serves as before',
  async (t) => {
    const site = await makeSite(t, { service: [deaf] });
    const before = await everything(site);
    for (const strategy of ['socket', 'overlap']) {
      const { code, kind, message, mend } = await refusedChange(site, strategy);
      assert.equal([code, kind], [4, 'taken_back'], message);
      assert.match(message, `${site.unit} does not serve behind a socket unit`);
      assert.match(message, 'it serves on a port of its own again, as before');
      assert.match(mend, 'server.listen({ fd: 3 }, 4096)');
      assert.match(mend, 'draining.md');
      assert.is(await everything(site), before, 'something is left');
      assert.equal([await stateOf(site, `${site.app}.socket`), await holdersOf(site)], ['inactive', ['node']]);
      await assertSound(site, first);
    }
    await site.add({});
    assert.equal(await deployed(site), ['restart', 0, second]);
  },
  { timeoutMs: 120_000 },
);

test('a dry run names every file and command, and changes nothing', async (t) => {
  const site = await makeSite(t);
  const before = await everything(site);
  const served = await whoServes(site);
  const { code, document } = await change(site, 'overlap', '--dry-run');
  assert.is(code, 0);
  assert.equal(
    document.files.map(({ status }) => status),
    ['would write', 'would write', 'would write', 'would write'],
  );
  assert.match(document.files[0]?.content ?? '', `ListenStream=${site.port}\n`);
  assert.match(document.files[3]?.content ?? '', '+ strategy = "overlap"');
  assert.ok(document.commands.some((command) => command.startsWith(`systemctl restart ${site.unit}`)));
  assert.ok(document.commands.includes('systemctl daemon-reload'));
  assert.is(await everything(site), before);
  assert.equal(await whoServes(site), served);
  assert.match(await configOf(site), /^(?!.*strategy)/s);
});

/** Deploys the newest build. @returns the strategy by which it was done, the exit code, and what serves */
async function deployed(site: Awaited<ReturnType<typeof makeSite>>): Promise<unknown[]> {
  const called = await site.call('deploy');
  await assertSound(site, called.document.active, called);
  return [called.document.strategy, called.code, called.document.active];
}
