// needs: sandbox
import { readdir, readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { messageIds } from '../../lib/report/journal.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite } from '../suite.ts';
import { heldSite, leaveBehind, letGo, startDeploy, untilBegun, untilSettled } from './running.ts';
import { buildId, makeSite, type Refusal, until } from './site.ts';
import { assertSound } from './sound.ts';
import { addChannels, journalOf, secretFile, startReceiver, type Told } from './telling.ts';

const test = suite('deploy/notify');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];
const token = '123456:AAF-planted_token';
const kindOf = Object.fromEntries(Object.entries(messageIds).map(([kind, id]) => [id, kind]));

test('P4, S10: a deploy, a way back and a rollback are told to whoever asked, and to the journal', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }] });
  const receiver = await startReceiver(t, site);
  const { sandbox, builds, app } = site;
  const manifest = {
    source_sha256: null,
    revision: '4f2a9c1',
    branch: 'main',
    files: 1,
    bytes: 1,
    created_at: '2026-02-03T15:11:16Z',
  };
  await writeFile(sandbox.hostPath(`${builds}/${second}/.cutover.json`), JSON.stringify(manifest));
  const file = await secretFile(site, 'token', token);
  await addChannels(
    site,
    ['channel = "telegram"', 'chat = "7"', `token_file = "${file}"`, `api = "${receiver.url}"`, 'on = ["rolled_back"]'],
    ['channel = "webhook"', 'url_env = "HOOK"', 'headers = { x-own = "a" }'],
  );
  const env = { HOOK: `${receiver.url}/hook` };
  const good = await site.call('deploy', [second], { env });
  assert.equal([good.code, good.document.revision, good.document.branch], [0, '4f2a9c1', 'main'], good.stderr);
  const bad = await site.call('deploy', [], { env });
  assert.is(bad.code, 4, bad.stderr);
  const back = await site.call('rollback', [], { env });
  assert.is(back.code, 0, back.stderr);
  for (const { stderr } of [good, bad, back]) assert.not.match(stderr, 'not told');
  const told = await receiver.told();
  const hooks = told.filter(({ path }) => path === '/hook');
  assert.equal(
    hooks.map(({ body }) => JSON.parse(body)),
    [good.document, bad.document, back.document],
  );
  assert.equal(
    hooks.map(({ headers }) => headers['x-cutover-event']),
    ['deployed', 'rolled_back', 'deployed'],
  );
  const [warning, ...others] = told.filter(({ path }) => path === `/bot${token}/sendMessage`);
  assert.is(others.length, 0);
  assert.match(JSON.parse(warning?.body ?? '{}').text, `rolled back: ${app} production`);
  const entries = (await journalOf(site)).slice(2);
  const story = entries.map((entry) => [kindOf[entry.MESSAGE_ID ?? ''], entry.CUTOVER_OUTCOME ?? '', entry.PRIORITY]);
  assert.equal(story, [
    ['begun', '', '6'],
    ['ended', 'deployed', '5'],
    ['begun', '', '6'],
    ['step_failed', '', '3'],
    ['going_back', '', '4'],
    ['ended', 'rolled_back', '4'],
    ['begun', '', '6'],
    ['ended', 'deployed', '5'],
  ]);
  assert.is(entries[1]?.CUTOVER_REVISION, '4f2a9c1');
  assert.is(entries[5]?.CUTOVER_RUN, bad.document.run);
  await sandbox.run('journalctl', '--sync');
  assert.match(await sandbox.run('journalctl', `CUTOVER_RUN=${bad.document.run}`, '--output=cat'), `${third} failed`);
  await assertSound(site, first, back);
});

test('P4: a refusal is told, with what is wrong; a run that changes nothing is not', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const receiver = await startReceiver(t, site);
  await addChannels(site, ['channel = "slack"', `url_file = "${await secretFile(site, 'url', `${receiver.url}/x`)}"`]);
  assert.is((await site.call('deploy', [first])).document.outcome, 'unchanged');
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const refused = await site.call('deploy');
  assert.is(refused.code, 1);
  const [told, ...others] = await receiver.told();
  assert.is(others.length, 0);
  assert.match(JSON.parse(told?.body ?? '{}').text, 'production was not touched: unit: ');
  await site.sandbox.run('systemctl', 'start', site.unit);
});

test('P4, W4: who cannot be told is a note in terminal and log; the outcome stays, and the token shows nowhere', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const receiver = await startReceiver(t, site);
  await addChannels(
    site,
    [
      'channel = "telegram"',
      'chat = "7"',
      `token_file = "${await secretFile(site, 'token', token)}"`,
      `api = "${receiver.url}/refused"`,
    ],
    ['channel = "slack"', 'url_file = "/nowhere"'],
    ['channel = "discord"', 'url_env = "NOT_SET"'],
  );
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  const notes = ['telegram was not told: answered 401: Unauthorized', 'slack was not told: cannot read /nowhere'];
  const log = (await site.tell('logs')).stdout;
  for (const text of [called.stderr, log]) {
    for (const note of notes) assert.match(text, note);
    assert.not.match(text, 'discord');
  }
  const journal = await site.sandbox.run('journalctl', '--no-pager', '--output=export');
  const state = await site.sandbox.run('grep', '-r', '', site.state);
  for (const text of [called.stdout, called.stderr, log, journal, state]) assert.not.match(text, 'planted');
  await assertSound(site, second, called);
});

test('P4, S8: what systemd ended in place of a dead deployer is told, by the channels of the configuration', async (t) => {
  const site = await heldSite(t);
  const receiver = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "webhook"',
    `url_file = "${await secretFile(site, 'url', `${receiver.url}/planted`)}"`,
  ]);
  const deploy = await startDeploy(site);
  await untilBegun(site, 'start');
  await site.sandbox.run('kill', '-KILL', String(deploy.pidInside()));
  await deploy.child.ended;
  await untilSettled(site);
  await until('it is told', async () => (await receiver.told()).length > 0);
  const [told] = await receiver.told();
  const document = JSON.parse(told?.body ?? '{}') as RunDocument;
  assert.equal([document.kind, document.outcome, document.active], ['settle', 'rolled_back', first]);
  assert.is(told?.headers['x-cutover-event'], 'rolled_back');
  const ledgers = site.sandbox.hostPath(`${site.state}/runs`);
  for (const name of await readdir(ledgers)) assert.not.match(await readFile(`${ledgers}/${name}`, 'utf8'), 'planted');
  await until('the journal has it', async () =>
    (await journalOf(site)).some(({ MESSAGE_ID: id }) => id === messageIds.settled),
  );
  await assertSound(site, first);
});

test('P4, S8: what a deploy ended in place of a dead one is told too, and before its own end', async (t) => {
  const site = await heldSite(t);
  const receiver = await startReceiver(t, site);
  await addChannels(site, ['channel = "webhook"', `url_file = "${await secretFile(site, 'url', receiver.url)}"`]);
  // A deployer that is killed may not have told the journal yet.
  const hasSaid = (runs: number) => () =>
    until('the journal has its begin', async () => {
      const kinds = (await journalOf(site)).map(({ MESSAGE_ID: id }) => kindOf[id ?? '']);
      return kinds.filter((kind) => kind === 'begun').length === runs;
    });
  await leaveBehind(site, 'start', 'deploy', hasSaid(2));
  const pruned = await site.call('prune');
  assert.is(pruned.code, 0, pruned.stderr);
  await leaveBehind(site, 'start', 'deploy', hasSaid(3));
  const called = await site.call('deploy', [second]);
  assert.is(called.code, 0, called.stderr);
  const told = (await receiver.told()).map(({ body }) => JSON.parse(body) as RunDocument);
  const lines = told.map(({ kind, outcome, run }) => `${kind} ${outcome} ${run === called.document.run}`);
  assert.equal(lines, ['settle rolled_back false', 'settle rolled_back false', 'deploy deployed true']);
  const story = (await journalOf(site)).slice(2).map(({ MESSAGE_ID: id }) => kindOf[id ?? '']);
  const cutOff = ['begun', 'going_back', 'settled'];
  assert.equal(story, [...cutOff, ...cutOff, 'begun', 'ended']);
  await assertSound(site, second, called);
});

test('P4, S8: what a command ended before it was refused itself is told', async (t) => {
  const site = await heldSite(t);
  const receiver = await startReceiver(t, site);
  await addChannels(site, ['channel = "webhook"', `url_file = "${await secretFile(site, 'url', receiver.url)}"`]);
  await leaveBehind(site);
  const refused = await site.call<Refusal>('rollback', ['20200101-000000']);
  assert.equal([refused.code, refused.document.error?.code], [2, 'no_build'], refused.stderr);
  const told = (await receiver.told()).map(({ body }) => JSON.parse(body) as RunDocument);
  assert.equal(
    told.map(({ kind, outcome }) => [kind, outcome]),
    [['settle', 'rolled_back']],
  );
  await assertSound(site, first);
});

/** Not by their number: who is not answered may tell the same again. */
function isTold(told: Told[], words: string): boolean {
  return told.some(({ body }) => body.includes(words));
}

test('S8, P4: a deploy that begins while another still tells of itself is guarded as any', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  const receiver = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "slack"',
    `url_file = "${await secretFile(site, 'url', `${receiver.url}/silent`)}"`,
  ]);
  const telling = await startDeploy(site, second);
  await until('it tells', async () => (await receiver.told()).length > 0);
  const told = ['systemctl', 'list-units', '--plain', '--no-legend', 'cutover-after-*'] as const;
  await until('it has left what guards a run', async () => (await site.sandbox.run(...told)) !== '');
  const next = await startDeploy(site, third);
  await until('the next one is done', async () => isTold(await receiver.told(), `serves ${third}`));
  for (const { child } of [telling, next]) child.kill('SIGINT');
  const [one, two] = [await telling.end(), await next.end()];
  assert.equal([one.code, two.code], [0, 0], two.stderr);
  assert.not.match(two.stderr, 'does not guard');
  assert.match(one.stderr, 'slack was not told: interrupted by SIGINT');
  await assertSound(site, third, one, two);
});

test('S8, P4: a deploy that begins while systemd still tells of the run that it ended is guarded as any', async (t) => {
  const site = await heldSite(t);
  const receiver = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "slack"',
    `url_file = "${await secretFile(site, 'url', `${receiver.url}/silent`)}"`,
  ]);
  const killed = await startDeploy(site);
  await untilBegun(site, 'start');
  killed.child.kill('SIGKILL');
  await killed.child.ended;
  await until('it is told of', async () => (await receiver.told()).length > 0);
  await letGo(site);
  const next = await startDeploy(site);
  await until('the next one is done', async () => isTold(await receiver.told(), `serves ${second}`));
  next.child.kill('SIGINT');
  const called = await next.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.not.match(called.stderr, 'does not guard');
  const settles = ['systemctl', 'stop', 'cutover-settle-*'] as const;
  await site.sandbox.run(...settles);
  await assertSound(site, second, called);
});
