// needs: sandbox
// deadline: 8min
import { existsSync } from 'node:fs';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { CheckReport } from '../../lib/deployer/check.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { configureHooks, logOf } from '../deploy/hooking.ts';
import { plainUser } from '../deploy/plain-user.ts';
import { lockText } from '../deploy/running.ts';
import { type Called, executable, until } from '../deploy/site.ts';
import { assertSound, currentLink, whoServes } from '../deploy/sound.ts';
import { suite, type TestContext } from '../suite.ts';
import { type PushSite, pushSite, seenBy, twoTargets } from './pushing.ts';

const test = suite('triggers/post-receive', { timeoutMs: 120_000 });

/** The last run, as the history tells it. */
async function lastRun(site: PushSite): Promise<RunDocument> {
  const { document } = await site.call<{ runs: RunDocument[] }>('history');
  const [run] = document.runs;
  if (!run) throw new Error('there is no run');
  return run;
}

async function buildsOf({ sandbox, builds }: PushSite): Promise<string[]> {
  return (await readdir(sandbox.hostPath(builds))).filter((name) => name.startsWith('dist.')).toSorted();
}

/** A site that serves its first commit. */
async function servingSite(
  t: TestContext,
  options: Parameters<typeof pushSite>[1] = {},
): Promise<PushSite & { first: string }> {
  const site = await pushSite(t, options);
  await site.commit({}, { good: 'yes' });
  const pushed = await site.push();
  assert.is(pushed.code, 0, pushed.stderr);
  const first = await currentLink(site);
  assert.ok(first, pushed.stderr);
  return { ...site, first: first ?? '' };
}

/** Its hooks go on once it is let go. */
async function hold(t: TestContext, site: PushSite): Promise<void> {
  t.cleanup(() => letGo(site));
  await writeFile(site.sandbox.hostPath('/srv/held'), '');
}

function letGo({ sandbox }: PushSite): Promise<void> {
  return rm(sandbox.hostPath('/srv/held'), { force: true });
}

async function stays(site: PushSite & { first: string }, ...calls: Called[]): Promise<void> {
  await assertSound(site, site.first, ...calls);
}

test('P2, P8: a first push deploys, and the pusher sees how', async (t) => {
  const site = await pushSite(t);
  const commit = await site.commit({});
  const pushed = await site.push();
  assert.is(pushed.code, 0, pushed.stderr);
  const seen = seenBy(pushed);
  const [build = '', ...others] = await buildsOf(site);
  assert.equal(others, []);
  assert.match(seen, `main ${commit.slice(0, 10)} -> production`);
  assert.match(seen, `production serves ${build}, proven healthy`);
  // oxlint-disable-next-line no-control-regex -- that is what colours are
  assert.not.match(pushed.stderr, /\u001b\[[0-9;]*m.*(serves|->)/);
  const { revision, branch, outcome, steps } = await lastRun(site);
  assert.equal([revision, branch, outcome, steps[0]?.name], [commit, 'main', 'deployed', 'build']);
  assert.match(await logOf(site, (await lastRun(site)).run), `production serves ${build}`);
  await assertSound(site, build);
});

test('P1, P2: a push whose tests fail changes nothing, and the same commit can be tried once more', async (t) => {
  const tested = 'test -z "$GIT_DIR$GIT_INDEX_FILE" && test "$(cat good)" = yes && test -n "$CUTOVER_REVISION"';
  const site = await servingSite(t, { hooks: { test: tested, fetch: 'false' } });
  const commit = await site.commit({}, { good: 'no' });
  const pushed = await site.push();
  assert.is(pushed.code, 0, 'the push itself went well');
  const seen = seenBy(pushed);
  assert.match(seen, /✗ test .*exited with 1/);
  assert.match(seen, 'production: refused, and nothing was changed (exit code 1)');
  assert.equal(await buildsOf(site), [site.first]);
  assert.match(seen, /✓ fetch .*\n.*✗ test /);
  await stays(site);
  await configureHooks(site, { test: 'test -f good' });
  const again = /^ +(cd .*) {4}\(on /m.exec(seen)?.[1] ?? '';
  const repeated = await site.sandbox.exec([
    'sh',
    '-c',
    again.replace('| cutover', `| ${process.execPath} ${executable('cutover')}`),
  ]);
  assert.is(repeated.code, 0, repeated.stdout + repeated.stderr);
  assert.equal([(await lastRun(site)).outcome, (await lastRun(site)).revision], ['deployed', commit]);
  await assertSound(site, (await buildsOf(site)).at(-1) ?? '');
  assert.not.ok((await readdir(site.sandbox.hostPath(site.state))).some((name) => name.startsWith('work')));
});

test('P1, P2: a hook builds the pushed commit; what git leaves out of an archive is there for the tests', async (t) => {
  const build = 'mkdir out && cp app.mjs behaviour.json out && tar -cf app.tar -C out . && echo app.tar';
  const site = await pushSite(t, { hooks: { test: 'test -f spec/it', build } });
  await site.sandbox.run('mkdir', `${site.clone}/spec`);
  const commit = await site.commit({}, { 'spec/it': 'works', '.gitattributes': 'spec export-ignore\n' });
  const pushed = await site.push();
  assert.match(seenBy(pushed), 'proven healthy', pushed.stderr);
  const [made = ''] = await buildsOf(site);
  assert.equal(
    (await readdir(site.sandbox.hostPath(`${site.builds}/${made}`))).filter((name) => !name.startsWith('.')),
    ['app.mjs', 'behaviour.json'],
  );
  assert.equal([(await lastRun(site)).revision, (await lastRun(site)).branch], [commit, 'main']);
  await assertSound(site, made);
});

test('P1, P2: hooks that work in a clone of their own get it brought up to date, and tell by themselves what they built', async (t) => {
  const site = await pushSite(t);
  const { sandbox, folder, repository } = site;
  const own = `${folder}/own`;
  const build = 'git archive --output ../app.tar HEAD && echo ../app.tar';
  await configureHooks(site, {
    fetch: `git -C ${own} pull --quiet`,
    test: { run: 'test "$(git rev-parse HEAD)" = "$CUTOVER_REVISION"', dir: own },
    build: { run: build, dir: own },
  });
  await sandbox.run('git', 'init', '--quiet', '--initial-branch=main', own);
  await sandbox.run('git', '-C', own, 'remote', 'add', '-t', 'main', 'origin', repository);
  await sandbox.run('git', '-C', own, 'config', 'branch.main.remote', 'origin');
  await sandbox.run('git', '-C', own, 'config', 'branch.main.merge', 'refs/heads/main');
  for (const good of ['first', 'second']) {
    const commit = await site.commit({}, { good });
    const seen = seenBy(await site.push());
    assert.match(seen, 'proven healthy');
    assert.is(await sandbox.run('cat', `${site.builds}/current/good`), good);
    const { revision, steps } = await lastRun(site);
    assert.equal(
      steps.slice(0, 3).map(({ name, status }) => `${name} ${status}`),
      ['fetch done', 'test done', 'build done'],
    );
    assert.ok(revision === null || revision === commit, 'nothing else than what the archive itself says');
  }
  await assertSound(site, (await buildsOf(site)).at(-1) ?? '');
});

test('S4, P2: a push of a build that crashes comes back, and says so to the pusher', async (t) => {
  const site = await servingSite(t);
  await site.commit({ mode: 'crash' });
  const pushed = await site.push();
  assert.is(pushed.code, 0);
  assert.match(seenBy(pushed), `production is back on ${site.first}, verified healthy`);
  assert.match(seenBy(pushed), 'production: taken back: what was there before serves again (exit code 4)');
  assert.match(seenBy(pushed), /-> cutover report (--config \S+ )?production/);
  await stays(site);
});

test('P2: of pushes that come while one runs the newest is deployed, and each pusher is told', async (t) => {
  const site = await servingSite(t, {
    hooks: { test: 'while [ -e /srv/held ]; do touch /srv/begun; sleep 0.05; done' },
  });
  await hold(t, site);
  const commits: string[] = [];
  const pushes: Promise<string>[] = [];
  for (const awaited of ['->', 'waiting: another run', 'waiting: another run']) {
    commits.push(await site.commit({}));
    const { stderr, stdout, ended } = await site.startPush();
    stdout.resume();
    let seen = '';
    stderr.setEncoding('utf8').on('data', (chunk: string) => (seen += chunk));
    pushes.push(ended.then(() => seen));
    await until(`it says "${awaited}"`, async () => seen.includes(awaited));
    const begun = site.sandbox.hostPath('/srv/begun');
    // Until it has looked, a newer push would take its place.
    if (awaited === '->') await until('its tests run', async () => existsSync(begun));
  }
  await letGo(site);
  const [one = '', two = '', three = ''] = await Promise.all(pushes);
  assert.match(one, 'proven healthy');
  assert.match(two, `note: main has moved on to ${commits[2]?.slice(0, 10)}, and that push deploys it`);
  assert.not.match(two, 'once more');
  assert.match(three, 'proven healthy');
  assert.is((await lastRun(site)).revision, commits[2]);
  await assertSound(site, (await buildsOf(site)).at(-1) ?? '');
});

test('P2: a tag, a branch of nobody, a deletion and a branch again', async (t) => {
  const site = await servingSite(t);
  await site.git('tag', 'v1');
  assert.match(seenBy(await site.push('v1')), 'refs/tags/v1: it is no branch');
  await site.git('branch', 'idea');
  assert.match(seenBy(await site.push('idea')), 'refs/heads/idea: no target is bound to this branch');
  await site.sandbox.run('git', '--git-dir', site.repository, 'config', 'receive.denyDeleteCurrent', 'ignore');
  const deleted = await site.push('--delete', 'main');
  assert.match(
    seenBy(deleted),
    'refs/heads/main: the branch was deleted: production keeps what it serves',
    deleted.stderr,
  );
  assert.is(deleted.code, 0);
  await stays(site);
  const again = await site.push();
  assert.match(seenBy(again), `production serves ${site.first} already: nothing to do`, again.stderr);
  assert.equal(await buildsOf(site), [site.first], 'the same commit is the same build');
  await site.commit({});
  const several = await site.push('main', 'main:other', 'main:refs/tags/v2');
  const seen = seenBy(several);
  assert.match(seen, 'refs/heads/other: no target');
  assert.match(seen, 'refs/tags/v2: it is no branch');
  assert.match(seen, 'proven healthy');
  await assertSound(site, (await buildsOf(site)).at(-1) ?? '');
});

for (const [name, signal] of [
  ['Ctrl-C at the push', 'INT'],
  ['a lost terminal', 'HUP'],
  ['a killed client', 'KILL'],
] as const) {
  test(`P2: ${name} does not end the run`, async (t) => {
    const site = await servingSite(t, { hooks: { test: 'while [ -e /srv/held ]; do sleep 0.05; done; test -f good' } });
    const { sandbox, folder, clone } = site;
    await hold(t, site);
    const commit = await site.commit({ mode: 'slow_start', startMs: 500 });
    const script = `echo $$ >${folder}/pid; exec git -C ${clone} push production main`;
    const child = await sandbox.spawn(['setsid', '--wait', 'sh', '-c', script]);
    child.stdout.resume();
    child.stderr.resume();
    await until('it has begun', async () => (await lockText(site)).includes(`deploy of main ${commit.slice(0, 10)}`));
    // As a terminal does: the whole group of the push, those that it has started included.
    await sandbox.run('sh', '-c', `/bin/kill -${signal} -- -$(cat ${folder}/pid)`);
    await child.ended;
    await letGo(site);
    await until('the run is over', async () => (await lastRun(site)).revision === commit);
    const run = await lastRun(site);
    assert.equal([run.outcome, run.exit_code], ['deployed', 0]);
    await assertSound(site, run.active ?? '');
    assert.match(await logOf(site, run.run), 'proven healthy');
  });
}

test('P2, S1: check says of a target that pushes make what they make, before the first one and after it', async (t) => {
  const hooks = { test: './test.sh', build: './build.sh' };
  const site = await pushSite(t, { hooks });
  const before = await site.call<CheckReport>('check');
  const answers = before.document.checks.filter(({ status }) => status !== 'pass');
  assert.equal([before.code, before.document.safe], [0, true], before.stderr);
  assert.equal(
    answers.map(({ name, status }) => [name, status]),
    [['hooks', 'warn']],
  );
  assert.match(answers[0]?.observed ?? '', 'a push to main runs it where its commit is checked out');
  const made = 'mkdir out && cp app.mjs behaviour.json out && tar -cf app.tar -C out . && echo app.tar';
  const scripts = { 'test.sh': '#!/bin/sh\ntest -f app.mjs\n', 'build.sh': `#!/bin/sh\n${made}\n` };
  for (const [name, text] of Object.entries(scripts)) {
    const path = site.sandbox.hostPath(`${site.clone}/${name}`);
    await writeFile(path, text);
    await chmod(path, 0o755);
  }
  await site.commit({});
  assert.match(seenBy(await site.push()), 'proven healthy');
  const after = await site.call<CheckReport>('check');
  assert.equal([after.code, after.document.safe], [0, true], after.stderr);
});

test('P8: a repository with a work tree deploys a push to the branch that is checked out', async (t) => {
  const site = await servingSite(t, { bare: false });
  assert.is(await site.sandbox.run('cat', `${site.repository}/good`), 'yes', 'its files are those of the push');
  await site.commit({}, { good: 'more' });
  assert.match(seenBy(await site.push()), 'proven healthy');
  assert.is(await site.sandbox.run('git', '-C', site.repository, 'status', '--porcelain'), '');
  await assertSound(site, (await buildsOf(site)).at(-1) ?? '');
});

test('P2: two targets with two branches, in one push; one that fails keeps nothing from the other', async (t) => {
  const site = await pushSite(t);
  const other = await pushSite(t);
  await twoTargets(site, other, { production: 'main', staging: 'next' });
  await site.commit({ mode: 'crash' });
  await site.git('branch', 'next');
  const commit = await site.commit({});
  const seen = seenBy(await site.push('next', 'main'));
  assert.match(seen, 'staging: FAILED: a person is needed now (exit code 3)');
  assert.match(seen, /production serves \S+, proven healthy/);
  assert.is((await lastRun(site)).revision, commit);
  assert.is(await whoServes(other), null);
  await other.sandbox.run('systemctl', 'stop', other.unit);
});

test('P2: two targets with one branch: the second gets what the first has taken', async (t) => {
  const site = await pushSite(t);
  const other = await pushSite(t);
  await twoTargets(site, other, { production: 'main', staging: 'main' });
  await site.commit({});
  const seen = seenBy(await site.push());
  assert.match(seen, /staging serves .*production serves /s);
  const [first, second] = [await currentLink(site), await currentLink(other)];
  await site.commit({ mode: 'crash' });
  const bad = seenBy(await site.push());
  assert.match(bad, `staging is back on ${second}`);
  assert.match(bad, 'production: left out, since the target before it did not take');
  await assertSound(site, first);
  await assertSound(other, second);
});

test('P2: the user whose services they are pushes to a repository of his own', async (t) => {
  const site = await pushSite(t, { user: await plainUser(), hooks: { test: 'test "$(id -un)" = deployer' } });
  await site.commit({});
  const pushed = await site.push();
  assert.match(seenBy(pushed), 'proven healthy', pushed.stderr);
  const owner = await site.sandbox.run('stat', '--format=%U', `${site.repository}/hooks/post-receive`);
  assert.is(owner, 'deployer');
  await assertSound(site, (await buildsOf(site)).at(-1) ?? '');
});

test('P2: a pusher who may not deploy is told what he lacks', async (t) => {
  const site = await servingSite(t);
  const { sandbox, repository, clone } = site;
  const { sandbox: asUser, name } = await plainUser();
  await sandbox.run('chown', '--recursive', `${name}:`, repository, clone);
  await asUser.run(
    'git',
    '-C',
    clone,
    '-c',
    'user.name=x',
    '-c',
    'user.email=x@example.org',
    'commit',
    '--allow-empty',
    '-qm',
    'x',
  );
  const pushed = await asUser.exec(['git', '-C', clone, 'push', 'production', 'main']);
  assert.is(pushed.code, 0, pushed.stderr);
  assert.match(seenBy(pushed), 'production: permission refused (exit code 77)', pushed.stderr);
  assert.match(seenBy(pushed), '-> run as its owner (ls -ld /var/lib/cutover');
  assert.match(seenBy(pushed), `--deploy-user ${name}`);
  await stays(site);
});

test('P2: another run that takes too long is not waited for without end; as one document', async (t) => {
  const site = await servingSite(t, { hooks: { test: 'while [ -e /srv/held ]; do sleep 0.05; done' } });
  const { sandbox, repository, config } = site;
  await hold(t, site);
  const commit = await site.commit({});
  const running = site.push();
  await until('it has begun', async () => (await lockText(site)).includes(`deploy of main ${commit.slice(0, 10)}`));
  const script = `echo "- $1 refs/heads/main" | ${process.execPath} ${executable('cutover')} hook post-receive --wait=100ms --json --config ${config}`;
  const { code, stdout, stderr } = await sandbox.exec(['sh', '-c', script, 'sh', commit], {
    cwd: repository,
    env: { GIT_DIR: repository },
  });
  assert.is(stdout.split('\n').length, 1, stderr);
  const document = JSON.parse(stdout || `"${stderr}"`);
  assert.equal([code, document.targets.length, document.ignored], [75, 1, []]);
  const [{ target, branch, revision, exit_code, run, error }] = document.targets;
  assert.equal(
    [target, branch, revision, exit_code, run, error.code],
    ['production', 'main', commit, 75, null, 'locked'],
  );
  await letGo(site);
  assert.match(seenBy(await running), 'proven healthy');
});
