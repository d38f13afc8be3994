// needs: sandbox
import * as assert from 'uvu/assert';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite } from '../suite.ts';
import { clearIncoming, configureHooks, type Hooks, logOf, program, record, seen, siteWith } from './hooking.ts';
import { unwell } from './running.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertSound, currentLink } from './sound.ts';
import { addChannels, secretFile, startReceiver } from './telling.ts';

const test = suite('deploy/hooks');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

/** Every stage, each of which says that it ran. */
function all(site: Pick<Site, 'folder'>, ...names: string[]): Hooks {
  return Object.fromEntries(names.map((name) => [name, `${record(site, name)}; echo said by ${name}`]));
}

test('P1: every stage runs at its place, with the environment of the contract, and in the log of the run', async (t) => {
  const site = await siteWith(t, (own) => all(own, 'fetch', 'test', 'migrate', 'smoke', 'deployed', 'failed'));
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  const { run, steps } = called.document;
  const expected = ['fetch', 'test', 'stop', 'free-port', 'migrate', 'swap', 'start', 'gate', 'smoke'];
  assert.equal(
    steps.map(({ name, status }) => `${name} ${status}`),
    expected.map((name) => `${name} done`),
  );
  assert.equal(await seen(site, { whole: true }), [
    `fetch run=${run} build= current=${first} previous=${first} outcome=`,
    `test run=${run} build= current=${first} previous=${first} outcome=`,
    `migrate run=${run} build=${second} current=${first} previous=${first} outcome=`,
    `smoke run=${run} build=${second} current=${second} previous=${first} outcome=`,
    `deployed run=${run} build=${second} current=${second} previous=${first} outcome=deployed`,
  ]);
  await assertSound(site, second, called);
  const log = await logOf(site, run);
  for (const name of ['fetch', 'test', 'migrate', 'smoke', 'deployed']) {
    assert.match(log, `    | said by ${name}`);
    assert.match(called.stderr, `    | said by ${name}`);
  }
  assert.match((await site.tell('report')).stdout, /fetch +done[^]*smoke +done/);
});

test('P1: a test that fails ends the deploy with 1: nothing has changed, and what it said is told', async (t) => {
  const site = await siteWith(t, (own) => ({
    ...all(own, 'fetch', 'build', 'migrate', 'deployed', 'failed'),
    test: `${record(own, 'test')}; echo 3 of 7 failed >&2; exit 5`,
  }));
  const called = await site.call('deploy');
  const { outcome, active, from, to, failure, steps } = called.document;
  assert.equal([called.code, outcome, active, from, to], [1, 'refused', first, first, null], called.stderr);
  assert.equal([failure?.step, failure?.reason], ['test', 'hook']);
  assert.match(failure?.message ?? '', /exited with 5: 3 of 7 failed$/);
  assert.equal(
    steps.map(({ name, status }) => [name, status]),
    [
      ['fetch', 'done'],
      ['test', 'failed'],
    ],
  );
  assert.equal(await seen(site), ['fetch', 'test']);
  assert.match(await logOf(site, called.document.run), '    | 3 of 7 failed');
  await assertSound(site, first, called);
  assert.match((await site.tell('report')).stdout, /test +failed[^]*was not touched: .*3 of 7 failed/);
  assert.match((await site.tell('logs')).stdout, '    | 3 of 7 failed');
  assert.is(
    (await site.call<{ targets: { last_run: RunDocument }[] }>('status')).document.targets[0]?.last_run.outcome,
    'refused',
  );
});

test('P1: a fetch that fails ends the deploy with 1 before anything else', async (t) => {
  const site = await siteWith(t, (own) => ({ ...all(own, 'test', 'build'), fetch: ['true', 'exit 9', 'echo not me'] }));
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.failure?.step], [1, 'fetch'], called.stderr);
  assert.equal(await seen(site), []);
  assert.not.match(called.stderr, 'not me');
  await assertSound(site, first);
});

test('P1: the build that the hook leaves is the candidate, whichever others there are', async (t) => {
  const site = await siteWith(t, (own) => ({
    build: `cp --archive ${own.builds}/${first} ${own.builds}/${third}; echo done`,
  }));
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.to], [0, third], called.stderr);
  assert.is(called.document.steps[0]?.name, 'build');
  await assertSound(site, third, called);
});

test('P1: the first deploy of all may make its build', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const { sandbox, builds, folder } = site;
  await sandbox.run('mv', `${builds}/${first}`, `${folder}/source`);
  await configureHooks(site, { build: `cp --archive ${folder}/source ${builds}/${third}`, smoke: 'true' });
  const plan = await site.call<{ from: null; to: null }>('deploy', ['--dry-run']);
  assert.equal([plan.code, plan.document.from, plan.document.to], [0, null, null], plan.stderr);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  await assertSound(site, third, called);
});

test('P1: an archive whose path the hook prints last is taken in, and is the candidate', async (t) => {
  const site = await siteWith(t, (own) => ({
    build: {
      dir: own.folder,
      run: `tar --create --gzip --file=app.tar.gz --directory=${own.builds}/${first} . && echo made && echo app.tar.gz`,
    },
  }));
  const called = await site.call('deploy');
  const { to, outcome } = called.document;
  assert.equal([called.code, outcome], [0, 'deployed'], called.stderr);
  assert.ok(to !== null && ![first, second].includes(to), `${to}`);
  assert.match(called.stderr, `${to} was taken in from ${site.folder}/app.tar.gz`);
  await clearIncoming(site);
  await assertSound(site, to, called);
});

test('P1: a build hook that fails, or leaves no build, ends the deploy with 2: nothing has changed', async (t) => {
  const site = await siteWith(t, () => ({ build: 'false' }));
  const notArchive = await program(site, 'not-an-archive', 'exit');
  const cases: [hook: string, message: RegExp][] = [
    ['echo no compiler; false', /exited with 1: no compiler/],
    ['true', /left no new build in .*printed nothing/],
    ['echo finished', /no file: finished/],
    [`echo ${notArchive}`, /archive/],
  ];
  for (const [hook, message] of cases) {
    await configureHooks(site, { build: hook });
    const called = await site.call('deploy');
    const { outcome, failure, to } = called.document;
    assert.equal([called.code, outcome, failure?.step, to], [2, 'refused', 'build', null], `${hook}: ${called.stderr}`);
    assert.match(failure?.message ?? '', message);
  }
  await clearIncoming(site);
  await assertSound(site, first);
});

test('P1: a deploy that finds nothing new after its test has a record too', async (t) => {
  const site = await siteWith(t, () => ({ test: 'echo fine' }), { builds: [{}] });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'unchanged'], called.stderr);
  await assertSound(site, first, called);
});

test('P1: a build that is named is deployed as it is: nothing is made', async (t) => {
  const site = await siteWith(t, (own) => all(own, 'fetch', 'test', 'build', 'smoke'));
  const called = await site.call('deploy', [second]);
  assert.is(called.code, 0, called.stderr);
  assert.equal(await seen(site), ['smoke']);
  await assertSound(site, second, called);
});

test('P1: a rollback makes nothing and migrates nothing, and is tested', async (t) => {
  const site = await siteWith(t, (own) => all(own, 'fetch', 'test', 'build', 'migrate', 'smoke', 'deployed'));
  assert.is((await site.call('deploy', [second])).code, 0);
  assert.equal(await seen(site), ['migrate', 'smoke', 'deployed']);
  const called = await site.call('rollback');
  assert.is(called.code, 0, called.stderr);
  assert.equal((await seen(site)).slice(3), ['smoke', 'deployed']);
  await assertSound(site, first, called);
});

test('P1: the plan names the hooks, and a dry run runs none', async (t) => {
  const site = await siteWith(t, (own) => all(own, 'fetch', 'test', 'build', 'migrate', 'smoke'));
  const { code, document } = await site.call<{ to: string | null; steps: { name: string; does: string }[] }>('deploy', [
    '--dry-run',
  ]);
  assert.equal([code, document.to], [0, null]);
  assert.equal(
    document.steps.map(({ name }) => name),
    ['fetch', 'test', 'build', 'stop', 'free-port', 'migrate', 'swap', 'start', 'gate', 'smoke'],
  );
  assert.match((await site.tell('deploy', '--dry-run')).stdout, '-> (the new build)');
  assert.equal(await seen(site), []);
  assert.is(await currentLink(site), first);
});

test('P1: hooks run where they are told to, the others in the candidate', async (t) => {
  const site = await siteWith(t, (own) => ({
    fetch: `pwd >>${own.folder}/seen`,
    test: { run: `pwd >>${own.folder}/seen`, dir: own.folder },
    migrate: `pwd >>${own.folder}/seen`,
    smoke: { run: ['/bin/sh', '-c', `pwd >>${own.folder}/seen`] },
  }));
  assert.is((await site.call('deploy')).code, 0);
  const { builds, folder } = site;
  assert.equal(await seen(site), [builds, folder, `${builds}/${second}`, `${builds}/${second}`]);
});

test('P5: a secret of the configuration that a hook prints is nowhere to be read', async (t) => {
  const secret = 'planted-8f2c71d0-secret';
  const site = await siteWith(t, (own) => {
    const show = `cat ${own.folder}/token; echo "it is $(cat ${own.folder}/token)!" >&2`;
    return { test: show, migrate: show, smoke: `${show}; exit 1`, rolled_back: `${show}; exit 1` };
  });
  const { sandbox, folder, state, logs, unit } = site;
  await sandbox.run('sh', '-c', `printf '%s\\n' ${secret} >${folder}/token; chmod 600 ${folder}/token`);
  await knowToken(site);
  const called = await site.call('deploy');
  assert.is(called.code, 4, called.stderr);
  assert.match(called.document.failure?.message ?? '', /exited with 1: .*it is \[redacted\]!/);
  assert.match(called.stderr, '    | it is [redacted]!');
  assert.match(await logOf(site, called.document.run), '    | it is [redacted]!');
  for (const said of [called.stdout, called.stderr, (await site.tell('report')).stdout]) assert.not.match(said, secret);
  const found = await sandbox.exec(['grep', '--recursive', '--files-with-matches', secret, state, logs]);
  assert.is(found.stdout, '');
  const journal = await sandbox.run('journalctl', '--no-pager', '--output=export');
  assert.not.match(journal, secret);
  assert.match(journal, unit);
});

test('W4: what the unit wrote is kept and told without the secrets of the configuration', async (t) => {
  const secret = 'planted-51b7e0aa-secret';
  const site = await siteWith(t, () => ({}), {
    builds: [{}, { mode: 'log_errors', message: `<3>no login with ${secret}\u001B[31m`, ...unwell }],
  });
  const { sandbox, folder, state, logs } = site;
  await sandbox.run('sh', '-c', `printf '%s\\n' ${secret} >${folder}/token`);
  // It is looked at until the journal has its lines.
  await site.configure({ tables: { health: ['attempts = 600'] } });
  await knowToken(site);
  const receiver = await startReceiver(t, site);
  for (const channel of ['webhook', 'slack']) {
    const file = await secretFile(site, channel, `${receiver.url}/${channel}`);
    await addChannels(site, [`channel = "${channel}"`, `url_file = "${file}"`, 'on = ["rolled_back"]']);
  }
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.failure?.reason], [4, 'journal'], called.stderr);
  const told = await receiver.told();
  assert.equal(told.map(({ path }) => path).toSorted(), ['/slack', '/webhook']);
  for (const { body } of told) {
    assert.not.match(body, secret);
    assert.match(body, 'no login with [redacted]');
  }
  const { targets } = (await site.call<{ targets: TargetStatus[] }>('status')).document;
  assert.match(targets[0]?.recent_errors.join('\n') ?? '', 'no login with [redacted]');
  const shown = (await site.tell('status')).stdout;
  assert.match(shown, 'no login with [redacted]');
  assert.not.match(shown, '\u001B[31m');
  assert.match(called.stderr, 'no login with [redacted]');
  const evidence = called.document.failure?.evidence ?? '';
  assert.match(await sandbox.run('cat', `${evidence}/journal.txt`), 'no login with [redacted]');
  const found = await sandbox.exec(['grep', '--recursive', '--files-with-matches', secret, state, logs]);
  assert.is(found.stdout, '');
  for (const said of [called.stdout, called.stderr, (await site.call('report')).stdout]) assert.not.match(said, secret);
});

/** Adds a channel to the configuration whose token is in a file of the site, and which is told of nothing here. */
async function knowToken({ sandbox, folder, config }: Site): Promise<void> {
  const channel = `[[notify]]\nchannel = "telegram"\ntoken_file = "${folder}/token"\nchat = "1"\non = ["recovered"]\n`;
  await sandbox.run('sh', '-c', 'printf %s "$1" >>"$2"', 'sh', channel, config);
}
