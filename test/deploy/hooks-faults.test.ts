// needs: sandbox
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { beaten, configureHooks, type Hooks, lastBeat, logOf, program, seen, siteWith, stubborn } from './hooking.ts';
import { plainUser } from './plain-user.ts';
import { buildId, type Called, makeSite, type Refusal, type Site } from './site.ts';
import { assertSound, currentLink } from './sound.ts';

const test = suite('deploy/hooks that misbehave');
const [first, second] = [buildId(1), buildId(2)];

/** A deploy whose test is that hook. */
async function deployWith(t: TestContext, hooks: (site: Site) => Hooks): Promise<{ site: Site; called: Called }> {
  const site = await siteWith(t, hooks);
  return { site, called: await site.call('deploy') };
}

async function isRunning({ sandbox }: Site, words: string): Promise<boolean> {
  return (await sandbox.exec(['pgrep', '-f', words])).code === 0;
}

test('P1: a hook that hangs is ended in time, and has failed', async (t) => {
  const { site, called } = await deployWith(t, () => ({ test: { run: 'echo up; sleep 4801', timeout: '8s' } }));
  assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
  assert.match(called.document.failure?.message ?? '', /was not over after 8 s and was ended: up$/);
  assert.not.ok(await isRunning(site, 'sleep 4801'));
  await assertSound(site, first);
});

test('P1: a hook that ignores SIGTERM is killed', async (t) => {
  const { site, called } = await deployWith(t, () => ({
    test: { run: "trap '' TERM; while :; do sleep 0.4802; done", timeout: '1s' },
  }));
  assert.is(called.code, 1, called.stderr);
  assert.not.ok(await isRunning(site, 'sleep 0.4802'));
  assert.ok((called.document.steps[0]?.duration_ms ?? 0) < 15_000);
  await assertSound(site, first);
});

test('P1: what a hook leaves running, in a session of its own and deaf to SIGTERM, is ended with it, and told of', async (t) => {
  const { site, called } = await deployWith(t, (own) => ({ test: `${stubborn(own)}; ${beaten(own)}; echo gone` }));
  assert.is(called.code, 0, called.stderr);
  assert.match(called.stderr, /note: test: \d+ process(es)? that it left running/);
  const before = await lastBeat(site);
  assert.ok(before > 0);
  await site.sandbox.run('sleep', '0.5');
  assert.is(await lastBeat(site), before, 'it goes on');
  await assertSound(site, second, called);
});

test('P1: a hook in time out takes those with it that left its session', async (t) => {
  const { site, called } = await deployWith(t, (own) => ({
    test: { run: `${stubborn(own)}; ${beaten(own)}; sleep 4803`, timeout: '5s' },
  }));
  assert.is(called.code, 1, called.stderr);
  const before = await lastBeat(site);
  assert.ok(before > 0, 'it never ran');
  await site.sandbox.run('sleep', '0.5');
  assert.is(await lastBeat(site), before, 'it goes on');
  await assertSound(site, first);
});

test('P5: a flood of output fills neither memory nor the log', async (t) => {
  const { site, called } = await deployWith(t, () => ({
    test: 'echo the first line; yes a line of the flood that goes on and on | head -c 300000000; echo the last line',
  }));
  assert.is(called.code, 0, called.stderr.slice(-2000));
  const log = await logOf(site, called.document.run);
  assert.ok(log.length < 8 * 1024 * 1024, `the log has ${log.length} characters`);
  assert.match(log, '    | the first line');
  assert.match(log, /… \d{7} lines are left out here/);
  assert.match(log, '    | the last line');
  await assertSound(site, second, called);
});

test('P1: what cannot be started ends the deploy before anything has changed, and says what to type', async (t) => {
  const site = await siteWith(t, () => ({}));
  const plain = await program(site, 'plain.sh', 'true', 0o644);
  const missing = `${site.folder}/missing.sh`;
  const cases: [hooks: Hooks, code: number, fact: string, mend: string][] = [
    [{ test: [plain] }, 1, `${plain} is not executable`, `chmod +x ${plain}`],
    [{ test: `${plain} --all` }, 1, `${plain} is not executable`, `chmod +x ${plain}`],
    [{ fetch: { run: [missing] } }, 1, `there is no file ${missing}`, `ls -l ${missing}`],
    [{ build: { run: ['no-such-program'] } }, 2, 'there is no no-such-program in', 'command -v no-such-program'],
    [{ test: { run: 'true', user: 'nobody-of-that-name' } }, 1, 'there is no user nobody-of-that-name', 'useradd'],
    [{ test: { run: 'true', dir: '/srv/no-such-folder' } }, 1, 'there is no directory /srv/no-such-folder', 'mkdir -p'],
  ];
  for (const [hooks, code, fact, mend] of cases) {
    await configureHooks(site, hooks);
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.outcome], [code, 'refused'], `${fact}: ${called.stderr}`);
    const { message = '' } = called.document.failure ?? {};
    assert.match(message, fact);
    assert.match(message, mend);
    await assertSound(site, first);
  }
});

test('P1: a migration or a smoke test that cannot be started is found by a check, before the service stops', async (t) => {
  const site = await siteWith(t, () => ({ migrate: { run: 'true', dir: '/srv/no-such-folder' } }));
  const wrong: Hooks[] = [{ migrate: { run: 'true', dir: '/srv/no-such-folder' } }, { smoke: './no-smoke.sh --fast' }];
  for (const hooks of wrong) {
    await configureHooks(site, hooks);
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
    const answer = called.document.checks.find(({ name }) => name === 'hooks');
    assert.equal([answer?.status, answer?.observed.includes('targets.production.hooks.')], ['fail', true]);
    const check = await site.call<{ safe: boolean }>('check');
    assert.equal([check.code, check.document.safe], [1, false]);
    await assertSound(site, first);
  }
  await configureHooks(site, { deployed: '/srv/no-such-file' });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  assert.is(called.document.checks.find(({ name }) => name === 'hooks')?.status, 'warn');
});

test('P1: a hook of another user runs as that user, with its home and groups', async (t) => {
  const site = await siteWith(t, () => ({}));
  await site.sandbox.run('useradd', '--create-home', '--home-dir', '/srv/tester', 'tester');
  t.cleanup(() => site.sandbox.run('userdel', 'tester'));
  await configureHooks(site, {
    test: { run: 'echo "$(id -un) $(id -Gn) $HOME $USER $CUTOVER_APP"', user: 'tester', dir: '/' },
  });
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  assert.match(called.stderr, `    | tester tester /srv/tester tester ${site.app}`);
});

test('P1, W4: an archive that a hook of another user names is read with the rights of that user', async (t) => {
  const site = await siteWith(t, () => ({}));
  const { sandbox, builds } = site;
  await sandbox.run('useradd', 'tester');
  t.cleanup(() => sandbox.run('userdel', 'tester'));
  const archive = '/srv/of-root.tar';
  await sandbox.run('tar', '--create', `--file=${archive}`, `--directory=${builds}/${first}`, '.');
  await sandbox.run('chmod', '600', archive);
  await configureHooks(site, { build: { run: `echo ${archive}`, user: 'tester', dir: '/' } });
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [2, 'refused'], refused.stderr);
  assert.match(refused.document.failure?.message ?? '', `is no file that tester may read: ${archive}`);
  await assertSound(site, first);
  await sandbox.run('chmod', '644', archive);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  assert.not.ok([first, second].includes(called.document.to ?? first));
});

test('P1: a hook of another user needs root: exit 77, and nothing has changed', async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { builds: [{}, {}], user });
  for (const name of ['test', 'migrate', 'smoke']) {
    await configureHooks(site, { [name]: { run: 'true', user: 'root' } });
    await user.own();
    const called = await site.call<Refusal>('deploy');
    assert.equal([called.code, called.document.error?.code], [77, 'permission'], called.stderr);
    assert.match(called.document.error.message, `targets.production.hooks.${name}: only root may run a hook as root`);
    assert.is(await currentLink(site), first);
  }
});

test('P1: under the manager of a user hooks run, and what they leave is ended', async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { builds: [{}, {}], user });
  await configureHooks(site, { test: `${stubborn(site)}; ${beaten(site)}`, smoke: `echo smoke >>${site.folder}/seen` });
  await user.own();
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.equal(await seen(site), ['smoke']);
  const before = await lastBeat(site);
  assert.ok(before > 0);
  await site.sandbox.run('sleep', '0.5');
  assert.is(await lastBeat(site), before, 'it goes on');
});
