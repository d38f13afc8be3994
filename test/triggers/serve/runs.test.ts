// needs: sandbox
// deadline: 10min
import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { held, letGo, startDeploy } from '../../deploy/running.ts';
import { type Site, until } from '../../deploy/site.ts';
import { suite } from '../../suite.ts';
import { type Answer, type Receiving, receivingSite } from './receiving.ts';
import { testingSite } from './testing-site.ts';

const test = suite('triggers/serve/runs', { timeoutMs: 240_000 });

test('W1: a signed request deploys the newest build, in a service of its own, and its outcome is told', async (t) => {
  const receiving = await receivingSite(t, { builds: [{}, {}] });
  const { site } = receiving;
  const pushed = await receiving.push({ branch: 'main', revision: '4f2a9c1' });
  assert.is(pushed.status, 202, receiving.output());
  const { id, run } = pushed.body;
  assert.equal(pushed.body, { status: 'queued', id, run: `/runs/${id}` });
  assert.is(pushed.headers.location, run);
  const ended = await receiving.ended(id);
  assert.equal([ended.state, ended.outcome, ended.exit_code], ['done', 'deployed', 0], JSON.stringify(ended));
  assert.equal([ended.revision, ended.branch, ended.step, ended.error], ['4f2a9c1', 'main', null, null]);
  // Of a build that nobody made for it nobody knows what it was made from.
  assert.equal([ended.document.revision, ended.document.branch], [null, null]);
  assert.is(ended.document.run, ended.run);
  await until('the journal has it', async () => (await requestJournal(site)).includes(ended.document.to));
  const health = (): Promise<Answer> => receiving.call({ path: '/health' });
  let answer = await health();
  await until('it is well', async () => (answer = await health()).status === 200);
  assert.equal([answer.body.status, answer.body.problems], ['ok', []]);
  await until('the health tells of the run', async () => (await health()).body.last_run?.run === ended.run);
  const known = await receiving.run(ended.run);
  assert.equal([known.state, known.outcome, known.run], ['done', 'deployed', ended.run]);
  for (const unknown of ['r00000099x00000000', '20260203-150000-abcd', '..%2f..%2fetc', 'x'])
    assert.is((await receiving.call({ path: `/runs/${unknown}` })).status, 404, unknown);
  const file = site.sandbox.hostPath(`${receiving.queue}/${id}.json`);
  await until('its end is kept', async () => (await readFile(file, 'utf8')).includes('"state":"done"'));
  await receiving.kill('SIGKILL');
  await receiving.start();
  assert.equal(await receiving.run(id), ended, 'it is found again after a restart');
});

test('W1: what the hooks say is the outcome', async (t) => {
  const receiving = await receivingSite(t, { builds: [{}, {}], keys: ['hooks.test = "echo no; exit 1"'] });
  const ended = await receiving.ended((await receiving.push()).body.id);
  assert.equal([ended.outcome, ended.exit_code, ended.document.failure.step], ['refused', 1, 'test']);
  assert.is((await receiving.run(ended.run)).outcome, 'refused');
});

test('W1: a receiver killed with a run in progress and a request that waits loses neither, and runs none twice', async (t) => {
  const { receiving, site, running } = await runningSite(t);
  const waiting = (await receiving.push({ revision: '5' })).body.id as string;
  assert.is((await receiving.run(waiting)).state, 'queued');
  const health = (await receiving.call({ path: '/health' })).body;
  assert.equal([health.running[0].id, health.queue[0].id], [running, waiting]);
  await receiving.kill('SIGKILL');
  // The run goes on without it, and ends.
  await letGo(site);
  await until('the run is over', async () => (await runsOf(site)).length === 2, 60_000);
  await receiving.start();
  const [first, second] = [await receiving.ended(running), await receiving.ended(waiting)];
  assert.equal([first.state, first.outcome, first.exit_code], ['done', 'deployed', 0], JSON.stringify(first));
  assert.equal([second.state, second.outcome, second.exit_code], ['done', 'unchanged', 0], JSON.stringify(second));
  assert.is((await runsOf(site)).length, 2, 'the build was deployed once');
});

test('W1: a run that outlives its receiver is followed to its end by the next', async (t) => {
  const { receiving, site, running } = await runningSite(t);
  await receiving.kill('SIGKILL');
  await receiving.start();
  const seen = await receiving.run(running);
  assert.equal([seen.state, seen.step], ['running', 'start']);
  await letGo(site);
  const ended = await receiving.ended(running);
  assert.equal([ended.outcome, ended.run], ['deployed', seen.run]);
  assert.is((await runsOf(site)).length, 2);
});

test('W1: a run looks for the state where the receiver does', async (t) => {
  const receiving = await receivingSite(t, { ...held, env: { XDG_STATE_HOME: '/srv/state' } });
  const { sandbox } = receiving.site;
  const { id } = (await receiving.push()).body;
  const show = ['systemctl', 'show', 'cutover-request@*', '--property=Environment'] as const;
  await until('it is told', async () => (await sandbox.run(...show)).includes('XDG_STATE_HOME=/srv/state'));
  await letGo(receiving.site);
  assert.is((await receiving.ended(id)).outcome, 'deployed');
});

test('W1: of two pushes while one runs the latest wins', async (t) => {
  const { receiving, site, running } = await runningSite(t);
  const older = (await receiving.push({ revision: '5' })).body.id as string;
  const newer = (await receiving.push({ revision: '6' })).body.id as string;
  await letGo(site);
  assert.is((await receiving.ended(running)).outcome, 'deployed');
  const superseded = await receiving.ended(older);
  assert.equal([superseded.state, superseded.superseded_by, superseded.outcome], ['superseded', newer, null]);
  assert.is((await receiving.ended(newer)).outcome, 'unchanged');
});

test('W1: somebody who deploys by hand is waited for', async (t) => {
  const receiving = await receivingSite(t, held);
  const byHand = await startDeploy(receiving.site);
  const { id } = (await receiving.push()).body;
  await until('it waits', async () => /waiting/.test(await requestJournal(receiving.site)), 60_000);
  assert.is((await receiving.run(id)).state, 'running');
  assert.is((await byHand.end()).code, 0);
  const ended = await receiving.ended(id);
  assert.equal([ended.outcome, ended.error], ['unchanged', null]);
});

test('W1: whoever carries a request out is killed: the run is taken back, and that is its outcome', async (t) => {
  const { receiving, site, running } = await runningSite(t);
  const { run } = await receiving.run(running);
  await site.sandbox.run('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', 'cutover-request@*');
  await letGo(site);
  const ended = await receiving.ended(running);
  assert.equal([ended.run, ended.outcome, ended.exit_code], [run, 'rolled_back', 4], JSON.stringify(ended));
  const deploys = await runsOf(site);
  assert.equal(
    deploys.map(({ outcome }) => outcome),
    ['rolled_back', 'deployed'],
    'it was not begun a second time',
  );
});

test('W1: whoever carries a request out is killed before it changed anything: it is begun again', async (t) => {
  const { receiving, id, tested } = await testingSite(t);
  const { site } = receiving;
  await site.sandbox.run('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', 'cutover-request@*');
  const ended = await receiving.ended(id);
  assert.equal([ended.state, ended.outcome, ended.exit_code], ['done', 'deployed', 0], JSON.stringify(ended));
  assert.is(await tested(), 2, 'the hook ran twice');
  assert.equal(ended.run, ended.document.run);
});

test('W1: SIGTERM ends it within ten seconds with 0, and what waits is kept', async (t) => {
  const { receiving, site, running } = await runningSite(t);
  const waiting = (await receiving.push({ revision: '5' })).body.id as string;
  const began = performance.now();
  assert.is(await receiving.kill('SIGTERM'), 0, receiving.output());
  assert.ok(performance.now() - began < 10_000);
  await letGo(site);
  await receiving.start();
  assert.is((await receiving.ended(running)).outcome, 'deployed');
  assert.is((await receiving.ended(waiting)).outcome, 'unchanged');
});

test('W1: after a power cut in the middle of a run its outcome is found, and what waited is carried out', async (t) => {
  const { receiving, site, running } = await runningSite(t);
  const waiting = (await receiving.push({ revision: '5' })).body.id as string;
  await site.sandbox.reboot();
  await letGo(site);
  await receiving.start();
  const cut = await receiving.ended(running);
  assert.equal([cut.state, cut.outcome, cut.exit_code], ['done', 'rolled_back', 4], JSON.stringify(cut));
  const next = await receiving.ended(waiting);
  assert.equal([next.state, next.document.kind], ['done', 'deploy'], JSON.stringify(next));
});

/** A site where a request is carried out, and held in the start of its build. */
async function runningSite(
  t: Parameters<typeof receivingSite>[0],
): Promise<{ receiving: Receiving; site: Site; running: string }> {
  const receiving = await receivingSite(t, held);
  const running = (await receiving.push()).body.id as string;
  await until('the start has begun', async () => (await receiving.run(running)).step === 'start', 60_000);
  return { receiving, site: receiving.site, running };
}

async function runsOf(site: Site): Promise<{ outcome: string }[]> {
  return (await site.call<{ runs: { outcome: string }[] }>('history')).document.runs;
}

/**
 * What the journal has of the requests so far; before the first line of a unit it knows no such unit. What is said once the run
 * has a scope may be that scope's: journald looks anew each second.
 */
async function requestJournal({ sandbox, app }: Site): Promise<string> {
  const units = [`cutover-request@${app}-*`, `cutover-${app}-*.scope`].map((unit) => `--unit=${unit}`);
  return (await sandbox.exec(['journalctl', '--output=cat', ...units])).stdout;
}
