// needs: sandbox
// deadline: 6min
import { readFile, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../../lib/run/document.ts';
import { makeSite, type Site } from '../../deploy/site.ts';
import { addChannels, secretFile, startReceiver } from '../../deploy/telling.ts';
import { suite, type TestContext } from '../../suite.ts';
import { type Receiving, receivingSite } from './receiving.ts';

const test = suite('triggers/serve/records', { timeoutMs: 150_000 });
const small = '/srv/small';
const id = 'r00000077x4f2a9c1b';

/** A site whose second build does not start, and a full disk below the records of requests from its hook `test` on. */
async function fullSite(
  t: TestContext,
  ...keys: string[]
): Promise<{ receiving: Receiving; tested: () => Promise<number> }> {
  const hook = `echo tested >>/srv/tested; head -c 1M /dev/zero >${small}/full; true`;
  const receiving = await receivingSite(t, {
    builds: [{}, { mode: 'crash' }],
    keys: [`hooks.test = '${hook}'`, ...keys],
  });
  const { sandbox, state } = receiving.site;
  const tested = sandbox.hostPath('/srv/tested');
  t.cleanup(() => rm(tested, { force: true }));
  await mountSmall(t, receiving.site);
  await sandbox.run('ln', '-s', small, `${state}/requests`);
  return { receiving, tested: async () => (await readFile(tested, 'utf8')).trim().split('\n').length };
}

async function mountSmall(t: TestContext, { sandbox }: Site): Promise<void> {
  await sandbox.run('mkdir', '-p', small);
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'small', small);
  t.cleanup(() => sandbox.run('umount', small));
}

/** As the receiver has systemd do it. */
function carryOut({ sandbox, app, config }: Site): ReturnType<Site['sandbox']['cutover']> {
  return sandbox.cutover(['request', `${app}/production/${id}`, '--config', config]);
}

async function runsOf(site: Site): Promise<RunDocument[]> {
  return (await site.call<{ runs: RunDocument[] }>('history')).document.runs;
}

test('W1, P4: the disk of the records fills up while a bad build is gone back from: it is told as it was, and not run again', async (t) => {
  const { receiving, tested } = await fullSite(t);
  const { site } = receiving;
  const listener = await startReceiver(t, site);
  const url = await secretFile(site, 'url', `${listener.url}/hook`);
  await addChannels(site, ['channel = "webhook"', `url_file = "${url}"`]);
  const ended = await receiving.ended((await receiving.push()).body.id);
  const [run] = await runsOf(site);
  assert.equal([ended.outcome, ended.exit_code, ended.run, ended.error], ['rolled_back', 4, run?.run, null]);
  assert.equal([run?.outcome, (await runsOf(site)).length, await tested()], ['rolled_back', 2, 1]);
  const told = (await listener.told()).map(({ body }) => JSON.parse(body).outcome);
  assert.equal(told, ['rolled_back']);
});

test('W1, P4: the disk of the records is full, and those who are told make room: they are told once', async (t) => {
  const { receiving, tested } = await fullSite(t, `hooks.rolled_back = 'rm ${small}/full; echo hook >>/srv/told'`);
  const { site } = receiving;
  const hooks = site.sandbox.hostPath('/srv/told');
  t.cleanup(() => rm(hooks, { force: true }));
  const listener = await startReceiver(t, site);
  const url = await secretFile(site, 'url', `${listener.url}/hook`);
  await addChannels(site, ['channel = "webhook"', `url_file = "${url}"`]);
  const { id: pushed } = (await receiving.push()).body;
  const ended = await receiving.ended(pushed);
  const [run] = await runsOf(site);
  assert.equal([ended.outcome, ended.exit_code, ended.run, ended.error], ['rolled_back', 4, run?.run, null]);
  const told = (await listener.told()).map(({ body }) => JSON.parse(body).outcome);
  assert.equal([told, await readFile(hooks, 'utf8'), await tested()], [['rolled_back'], 'hook\n', 1]);
  const left = await site.sandbox.run('ls', small);
  assert.equal(left.trim().split('\n'), [`${pushed}.json`]);
});

test('W1: where the outcome is lost as well, the same push is not deployed again, and people are told to look', async (t) => {
  const { receiving, tested } = await fullSite(t);
  const { site } = receiving;
  const { sandbox, state } = site;
  assert.is((await carryOut(site)).code, 4);
  const run = (await runsOf(site))[0]?.run ?? '';
  const path = sandbox.hostPath(`${state}/runs/${run}.jsonl`);
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => !line.includes('"type":"outcome"'));
  await writeFile(path, `${lines.join('\n')}\n`);
  const full = await carryOut(site);
  assert.equal([full.code, await tested()], [1, 1], full.stderr);
  await sandbox.run('rm', `${small}/full`);
  for (const said of [`run ${run} has ended, and its outcome could not be written down`, 'carried out before']) {
    const { code, stdout, stderr } = await carryOut(site);
    assert.equal([code, await tested()], [3, 1], stderr);
    assert.match(`${stdout}${stderr}`, said);
  }
});

test('W1, P4: a build that fills the disk of records and ledgers is told of once, and is not made again', async (t) => {
  const kept = `until grep -q stage...build ${small}/requests/${id}.json; do sleep 0.05; done`;
  const hook = `${kept}; echo built >>/srv/built; head -c 1M /dev/zero >${small}/full`;
  const site = await makeSite(t, { keys: [`hooks.build = '${hook}'`] });
  const { sandbox, state } = site;
  const built = sandbox.hostPath('/srv/built');
  t.cleanup(() => rm(built, { force: true }));
  await mountSmall(t, site);
  await sandbox.run('mkdir', `${small}/requests`);
  await sandbox.run('mv', `${state}/runs`, `${small}/runs`);
  for (const name of ['requests', 'runs']) await sandbox.run('ln', '-s', `${small}/${name}`, `${state}/${name}`);
  const listener = await startReceiver(t, site);
  const url = await secretFile(site, 'url', `${listener.url}/hook`);
  await addChannels(site, ['channel = "webhook"', `url_file = "${url}"`]);
  const full = await carryOut(site);
  assert.is(full.code, 2, full.stderr);
  await sandbox.run('rm', `${small}/full`);
  for (const said of ['has ended, and its outcome could not be written down', 'carried out before']) {
    const { code, stdout, stderr } = await carryOut(site);
    assert.equal([code, await readFile(built, 'utf8')], [3, 'built\n'], stderr);
    assert.match(`${stdout}${stderr}`, said);
  }
  const told = (await listener.told()).map(({ body }) => JSON.parse(body).outcome);
  assert.equal(told, ['refused']);
});

test('W1, P4: killed when its run has ended, before it could tell anybody: it is told of by the next', async (t) => {
  const receiving = await receivingSite(t, { builds: [{}, {}] });
  const { site } = receiving;
  const { sandbox, state } = site;
  assert.is((await carryOut(site)).code, 0);
  const path = sandbox.hostPath(`${state}/requests/${id}.json`);
  const record = JSON.parse(await readFile(path, 'utf8'));
  const { run } = record;
  await writeFile(path, JSON.stringify({ ...record, ended_at: null, exit_code: null, document: null }));
  await writeFile(path.replace(/json$/, 'untold'), '');
  const { code, stdout, stderr } = await carryOut(site);
  assert.is(code, 0, stderr);
  assert.not.match(`${stdout}${stderr}`, 'told of');
  const told = JSON.parse(await readFile(path, 'utf8'));
  assert.equal([told.run, told.document.outcome], [run, 'deployed']);
});
