// needs: sandbox
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { startDeploy, untilBegun } from './running.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertNothingLeft, currentLink } from './sound.ts';

const test = suite('deploy/command-unit');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

/**
 * A unit whose command does its work and ends, and which stays active, as one that puts containers up: no process, no port and
 * no address to ask. What it did stands in a file.
 */
async function makeCommandSite(t: TestContext, exits: number[], more: string[] = []): Promise<Site & { did: string }> {
  const site = await makeSite(t, { builds: [], isDeployed: false });
  const { sandbox, builds, app, unitFile, config } = site;
  const did = `/run/${app}.did`;
  const lines = ['Type=oneshot', 'RemainAfterExit=yes', `WorkingDirectory=${builds}/current`];
  const command = `ExecStart=/bin/sh -c 'cp marker ${did}; exit $(cat status)'`;
  await writeFile(sandbox.hostPath(unitFile), `[Service]\n${[...lines, command, ...more].join('\n')}\n`);
  await sandbox.run('systemctl', 'daemon-reload');
  const text = await readFile(sandbox.hostPath(config), 'utf8');
  await writeFile(sandbox.hostPath(config), text.replace(/^(port|url|json) = .*\n/gm, ''));
  t.cleanup(() => sandbox.run('rm', '-f', did));
  for (const status of exits) {
    const path = `${sandbox.hostPath(builds)}/${await site.add()}`;
    await writeFile(`${path}/marker`, path.split('/').at(-1) ?? '');
    await writeFile(`${path}/status`, `${status}`);
  }
  const called = await site.call('deploy', [first]);
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  return { ...site, did };
}

async function assertActive({ sandbox, unit, did, ...site }: Site & { did: string }, build: string): Promise<void> {
  assert.is(await currentLink({ sandbox, unit, ...site }), build);
  assert.is(await sandbox.run('cat', did), build, 'the build whose command ran last');
  assert.is(await sandbox.run('systemctl', 'show', '--property=SubState', '--value', unit), 'exited');
}

async function stateOf(site: Site, build: string): Promise<string | undefined> {
  const { document } = await site.call<{ builds: { id: string; state: string }[] }>('builds');
  return document.builds.find(({ id }) => id === build)?.state;
}

for (const [what, more] of [
  ['without a stop of its own', []],
  ['with ExecStartPost= and ExecStop=', ['ExecStartPost=/bin/sleep 0.1', 'ExecStop=/bin/true']],
] as const) {
  test(`S2: a command that does its work and leaves the unit active, ${what}, is deployed as any service`, async (t) => {
    const site = await makeCommandSite(t, [0, 0], [...more]);
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.active], [0, second], called.stderr);
    await assertActive(site, second);
    assert.is(await stateOf(site, second), 'current');
    assert.equal((await site.call('deploy')).document.outcome, 'unchanged');
    const { document } = await site.call<{ targets: { healthy: boolean; serving: string }[] }>('status');
    assert.equal([document.targets[0]?.healthy, document.targets[0]?.serving], [true, second]);
    const back = await site.call('rollback');
    assert.equal([back.code, back.document.active], [0, first], back.stderr);
    await assertActive(site, first);
    await assertNothingLeft(site);
  });

  test(`S4: a command that fails, ${what}, is found by its exit status: the build before is back`, async (t) => {
    const site = await makeCommandSite(t, [0, 0, 3], [...more]);
    assert.is((await site.call('deploy', [second])).code, 0);
    const called = await site.call('deploy', [third]);
    const { outcome, failure } = called.document;
    assert.equal([called.code, outcome, failure?.reason], [4, 'rolled_back', 'exited'], called.stderr);
    assert.match(failure?.message ?? '', 'exited with status 3');
    await assertActive(site, second);
    assert.is(await stateOf(site, third), 'quarantined');
    await assertNothingLeft(site);
  });
}

test('S4: somebody stops such a unit while the gate looks: it was not the command that failed', async (t) => {
  const site = await makeCommandSite(t, [0, 0]);
  const { sandbox, config, did, port, unit } = site;
  const words = `readFileSync('${did}', 'utf8') === '${second}' ? 503 : 200`;
  const answer = `require('node:http').createServer((_, res) => res.writeHead(require('node:fs').${words}).end())`;
  const server = await sandbox.spawn([process.execPath, '-e', `${answer}.listen(${port}, () => console.log('up'))`]);
  t.cleanup(() => void server.kill());
  await once(server.stdout, 'data');
  const text = await readFile(sandbox.hostPath(config), 'utf8');
  const health = `url = "http://127.0.0.1:${port}/"\nattempts = 600`;
  await writeFile(sandbox.hostPath(config), text.replace('attempts = 3', health));
  const run = await startDeploy(site);
  await untilBegun(site, 'gate');
  await sandbox.run('systemctl', 'stop', unit);
  const called = await run.end();
  const { outcome, failure } = called.document;
  assert.equal([called.code, outcome, failure?.reason], [4, 'rolled_back', 'systemd'], called.stderr);
  assert.match(failure?.message ?? '', `${unit} was stopped by another hand`);
  await assertActive(site, first);
  assert.is(await stateOf(site, second), 'untried');
});
