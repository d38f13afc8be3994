// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { heldSite, startDeploy, untilBegun } from './running.ts';
import { buildId, makeSite, type Refusal } from './site.ts';
import { assertNothingLeft, assertSound } from './sound.ts';

const test = suite('deploy/two at once');
const second = buildId(2);

test('a second deployer is refused at once, and told who holds the target', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  for (const command of ['deploy', 'rollback']) {
    const { code, document, stderr } = await site.call<Refusal>(command);
    assert.equal([code, document.exit_code, document.error.code], [75, 75, 'locked'], stderr);
    const holder = `another run holds the target: deploy of the newest build (pid ${run.pidInside()}, user root, since `;
    assert.ok(document.error.message.startsWith(holder), document.error.message);
    assert.match(document.error.mend, '--wait');
  }
  const inFlight = (await site.call<{ targets: { in_flight: { pid: number } }[] }>('status')).document.targets[0]
    ?.in_flight;
  assert.is(inFlight?.pid, run.pidInside());
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second]);
  await assertSound(site, second, called);
});

test('--wait queues behind a run in progress', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const waiting = await startDeploy(site, '--wait=1min');
  await waiting.hasSaid('waiting');
  assert.is((await run.end()).code, 0);
  const queued = await waiting.end();
  assert.equal([queued.code, queued.document.outcome, queued.document.active], [0, 'unchanged', second], queued.stderr);
  assert.match(queued.stderr, /waiting: another run holds the target: deploy of the newest build \(pid \d+/);
  await assertSound(site, second);
});

test('--wait has a deadline', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const queued = await site.call<Refusal>('deploy', ['--wait=200ms']);
  assert.equal([queued.code, queued.document.error.code], [75, 'locked']);
  assert.is((await run.end()).code, 0);
  await assertSound(site, second);
});

test('S8: a run that ends at once leaves no scope behind', async (t) => {
  const site = await makeSite(t);
  for (let time = 0; time < 5; time += 1) {
    assert.is((await site.call('deploy', ['20200101-000000'])).code, 2);
    await assertNothingLeft(site);
  }
});
