// needs: sandbox
// deadline: 8min
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { held, letGo } from '../../deploy/running.ts';
import { until } from '../../deploy/site.ts';
import { addChannels, journalOf, secretFile, startReceiver } from '../../deploy/telling.ts';
import { suite } from '../../suite.ts';
import { receivingSite } from './receiving.ts';
import { testingSite } from './testing-site.ts';

const test = suite('triggers/serve/stopped', { timeoutMs: 180_000 });
const units = 'cutover-request@*';

test('W1: whoever carries a request out is stopped before it changed anything: it is begun again', async (t) => {
  const { receiving, id, tested } = await testingSite(t);
  await receiving.site.sandbox.run('systemctl', 'stop', units);
  const ended = await receiving.ended(id);
  assert.equal([ended.state, ended.outcome, ended.exit_code], ['done', 'deployed', 0], JSON.stringify(ended));
  assert.is(await tested(), 2, 'the hook ran twice');
});

test('W1: stopped together with the receiver, as at a shutdown, it is begun again by the next', async (t) => {
  const { receiving, id, tested } = await testingSite(t);
  await receiving.kill('SIGTERM');
  await receiving.site.sandbox.run('systemctl', 'stop', units);
  assert.is(await tested(), 1);
  await receiving.start();
  assert.is((await receiving.ended(id)).outcome, 'deployed');
  assert.is(await tested(), 2);
});

test('W1: a person gives a request up by SIGINT; delivered again it is taken', async (t) => {
  const { receiving, id, tested } = await testingSite(t);
  await receiving.site.sandbox.run('systemctl', 'kill', '--kill-whom=main', '--signal=SIGINT', units);
  const ended = await receiving.ended(id);
  assert.equal([ended.state, ended.outcome, ended.error.code], ['done', null, 'interrupted'], JSON.stringify(ended));
  await until('nothing is wrong', async () => (await receiving.call({ path: '/health' })).status === 200);
  assert.is(await tested(), 1);
  const again = await receiving.push();
  assert.is(again.body.replayed, undefined);
  assert.is((await receiving.ended(again.body.id)).outcome, 'deployed');
});

test('W1, P4: a run that was killed and taken back is told of once', async (t) => {
  const receiving = await receivingSite(t, held);
  const { site } = receiving;
  const listener = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "webhook"',
    `url_file = "${await secretFile(site, 'url', `${listener.url}/hook`)}"`,
  ]);
  const { id } = (await receiving.push()).body;
  await until('the start has begun', async () => (await receiving.run(id)).step === 'start', 60_000);
  const { run } = await receiving.run(id);
  await site.sandbox.run('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', units);
  await letGo(site);
  assert.is((await receiving.ended(id)).outcome, 'rolled_back');
  await until('somebody is told', async () => (await listener.told()).length > 0, 60_000);
  const stories = async (): Promise<unknown[]> =>
    (await journalOf(site)).filter(
      ({ CUTOVER_RUN, CUTOVER_OUTCOME }) => CUTOVER_RUN === run && CUTOVER_OUTCOME === 'rolled_back',
    );
  await until('the journal has it', async () => (await stories()).length > 0);
  // Whatever else there was to tell has been told once another request is over.
  await receiving.ended((await receiving.push({ revision: '5' })).body.id);
  const told = (await listener.told()).map(({ body }) => JSON.parse(body).outcome);
  assert.is(told.filter((outcome) => outcome === 'rolled_back').length, 1, told.join());
  const all = await stories();
  assert.is(all.length, 1, JSON.stringify(all));
});

test('W1: a configuration that is broken for a moment: the push that came to nothing is told of, and taken again', async (t) => {
  const receiving = await receivingSite(t, { builds: [{}, {}] });
  const file = receiving.site.sandbox.hostPath(receiving.site.config);
  const whole = await readFile(file, 'utf8');
  await writeFile(file, `${whole}\n[oh`, { mode: 0o600 });
  const lost = await receiving.ended((await receiving.push()).body.id);
  assert.equal([lost.state, lost.outcome, lost.error.code], ['done', null, 'failed'], JSON.stringify(lost));
  const problems = async (): Promise<string> => (await receiving.call({ path: '/health' })).body.problems.join('\n');
  await until('the health says so', async () => /came to nothing: .*without a word/.test(await problems()));
  assert.match(await problems(), 'the configuration was changed, and the one before it is in force: ');
  await writeFile(file, whole, { mode: 0o600 });
  const again = await receiving.push();
  assert.is(again.body.replayed, undefined);
  assert.is((await receiving.ended(again.body.id)).outcome, 'deployed');
  await until('nothing is wrong any more', async () => (await problems()) === '');
});
