// needs: sandbox
import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { buildId, calledFrom, executable, makeSite, type Refusal, type Site, untilNextSecond } from '../deploy/site.ts';
import { assertNothingLeft, currentLink, whoServes } from '../deploy/sound.ts';
import { suite } from '../suite.ts';

const test = suite('cli/the names of the scripts before');
const [first, second] = [buildId(1), buildId(2)];

test('S1: pre-deployment-check: 0 safe, 1 issues, and changes nothing', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const look = () => site.sandbox.run('find', site.state, site.builds, '-printf', '%p %l %T@\n');
  const before = [await look(), await whoServes(site)];
  const safe = calledFrom<CheckReport>(await use(site, 'pre-deployment-check', 'production', '--json'));
  assert.equal([safe.code, safe.document.target, safe.document.safe], [0, 'production', true]);
  assert.match((await use(site, 'pre-deployment-check', 'production')).stdout, /production: safe to deploy$/);
  assert.equal([await look(), await whoServes(site)], before);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const issues = calledFrom<CheckReport>(await use(site, 'pre-deployment-check', '--json'));
  assert.equal([issues.code, issues.document.safe], [1, false]);
  const inWords = await use(site, 'pre-deployment-check');
  assert.is(inWords.code, 1);
  assert.match(inWords.stdout, '✗ unit ');
  const mend = `systemctl start ${site.unit}, or cutover deploy --config ${site.config} --fix-forward`;
  assert.match(inWords.stdout, `-> ${mend}`);
  assert.match(inWords.stdout, /production: 2 of 10 checks failed$/);
});

test('S2, S7: safe-deploy', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const refused = calledFrom<Refusal>(await use(site, 'safe-deploy', 'production', '--force', '--json'));
  assert.equal([refused.code, refused.document.error?.code], [64, 'usage']);
  const called = calledFrom(await use(site, 'safe-deploy', 'production', '--json'));
  assert.equal([called.code, called.document.kind, called.document.active], [0, 'deploy', second], called.stderr);
  assert.match(
    (await use(site, 'safe-deploy', 'production')).stdout,
    `production serves ${second} already: nothing to do`,
  );
  await assertNothingLeft(site);
});

test('S9: deploy-with-zero-downtime needs no configuration file', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }], isDeployed: false });
  const { sandbox, unit, builds, port } = site;
  const direct = (build: string, ...more: string[]) => {
    const words = [executable('deploy-with-zero-downtime'), unit, build, String(port), '--json', ...more];
    return sandbox.exec([process.execPath, ...words], { cwd: builds, timeoutMs: 60_000 });
  };
  const started = calledFrom(await direct(`${builds}/${first}`));
  assert.equal(
    [started.code, started.document.outcome, started.document.active],
    [0, 'deployed', first],
    started.stderr,
  );
  assert.equal([started.document.unit, started.document.strategy], [unit, 'restart']);
  const next = calledFrom(await direct(`./${second}/`));
  assert.equal([next.code, next.document.from, next.document.active], [0, first, second], next.stderr);
  const again = calledFrom(await direct(second));
  assert.equal([again.code, again.document.outcome], [0, 'unchanged'], again.stderr);
  await untilNextSecond();
  const bad = calledFrom(await direct(`${builds}/${buildId(3)}`));
  assert.equal([bad.code, bad.document.outcome, bad.document.active], [4, 'rolled_back', second], bad.stderr);
  assert.is(bad.document.failure?.reason, 'exited');
  assert.is(await currentLink(site), second);
  assert.is((await whoServes(site))?.build, second);
  const log = `/var/log/cutover/deployment-${unit}-${bad.document.run?.slice(0, 15)}.log`;
  assert.match(await readFile(sandbox.hostPath(log), 'utf8'), `${buildId(3)} failed`);
  await assertNothingLeft(site);
});

test('S9: what is to be typed after a run without a configuration works without one', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }], isDeployed: false });
  const { sandbox, unit, builds } = site;
  for (const at of [1, 2]) assert.is((await direct(site, `${builds}/${buildId(at)}`)).code, 0);
  const bad = await direct(site, `${builds}/${buildId(3)}`);
  const typed = bad.stdout.split('\n').flatMap((line) => (line.startsWith('  -> cutover ') ? [line.slice(13)] : []));
  assert.equal([bad.code, typed.length], [4, 2], bad.stdout);
  const name = unit.replace('.service', '');
  for (const words of [...typed, `history ${name}`, `status ${name}`, `builds ${name}`, `settle ${name}`]) {
    const { code, stdout, stderr } = await sandbox.cutover(words.split(' '), { cwd: '/' });
    assert.is(code, 0, `${words}: ${stderr}`);
    if (typed.includes(words)) assert.match(stdout, buildId(3), words);
  }
  const back = calledFrom(await sandbox.cutover(['rollback', name, '--json'], { cwd: '/' }));
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  const again = calledFrom(await sandbox.cutover(['deploy', name, second, '--json'], { cwd: '/' }));
  assert.equal([again.code, again.document.active], [0, second], again.stderr);
  for (const words of [`status ${name}x`, `status ../direct/${name}`, 'status']) {
    assert.is((await sandbox.cutover(words.split(' '), { cwd: '/' })).code, 78, words);
  }
  await assertNothingLeft(site);
});

test('S9: a unit of the configuration at hand has one history, whichever form deploys it', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { config, builds } = site;
  const called = calledFrom(await direct(site, `${builds}/${second}`, '--config', config, '--json'));
  assert.equal([called.code, called.document.target, called.document.app], [0, 'production', site.app], called.stderr);
  const { runs } = (await site.call<{ runs: { run: string }[] }>('history')).document;
  assert.is(runs[0]?.run, called.document.run);
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  await assertNothingLeft(site);
});

test('S9: the direct form is refused for what is no build or no unit', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const { sandbox, unit, builds, port } = site;
  const direct = (...words: string[]) =>
    sandbox.exec([process.execPath, executable('deploy-with-zero-downtime'), ...words, String(port), '--json']);
  const cases: [words: string[], exit: number][] = [
    [[unit, `${builds}/dist.20200101-000000`], 2],
    [[unit, '/srv/nowhere/dist.20200101-000000'], 2],
    [[unit, `${builds}/current`], 2],
    [['nobody.service', `${builds}/${first}`], 1],
  ];
  for (const [words, exit] of cases) {
    const { code, document, stderr } = calledFrom<Refusal>(await direct(...words));
    assert.equal([code, document.exit_code], [exit, exit], `${words.join(' ')}: ${stderr}`);
  }
  assert.is(await currentLink(site), null);
  await assertNothingLeft(site);
});

function direct({ sandbox, unit, port }: Site, build: string, ...more: string[]) {
  const words = [executable('deploy-with-zero-downtime'), unit, build, String(port), ...more];
  return sandbox.exec([process.execPath, ...words], { cwd: '/', timeoutMs: 60_000 });
}

function use({ sandbox, config }: Site, tool: string, ...words: string[]) {
  return sandbox.exec([process.execPath, executable(tool), ...words, '--config', config], { timeoutMs: 60_000 });
}
