// needs: sandbox
// deadline: 10min
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { type Browser, openBrowser, type Page } from '../../browser.ts';
import type { PageModel, ShownTarget } from '../../../lib/report/page/model.ts';
import { buildId, makeSite, type Site, until } from '../../deploy/site.ts';
import { makeSocketSite } from '../../deploy/socket-site.ts';
import { sandboxFor } from '../../sandboxed.ts';
import { suite, type TestContext } from '../../suite.ts';
import { installShipped, port } from '../serve/installed.ts';
import { type Receiving, receivingSite } from '../serve/receiving.ts';

const test = suite('the page while things happen', { timeoutMs: 180_000 });

/** A loaded machine is slow; what is waited for comes within a second or three otherwise. */
const patientMs = 45_000;

/** A hook that waits once it is told to, and until it is told to go on. */
const waiting = 'test ! -e /srv/page-hold || while test ! -e /srv/page-go; do sleep 0.1; done';

let browser: Promise<Browser> | undefined;

interface Visit {
  site: Site;
  receiver: Receiving;
  page: Page;
  /** Waits until the element has the words. */
  shows: (selector: string, words: string | RegExp) => Promise<void>;
}

async function visit(t: TestContext, options: Parameters<typeof makeSite>[1]): Promise<Visit> {
  const receiver = await receivingSite(t, options);
  const { site } = receiver;
  browser ??= sandboxFor().then(({ pid }) => openBrowser(pid));
  const context = await (await browser).newContext();
  t.cleanup(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  t.cleanup(() => assert.equal(problems, []));
  await page.goto(`http://127.0.0.1:${receiver.port}`, { timeout: patientMs });
  const shows = async (selector: string, words: string | RegExp): Promise<void> => {
    const wanted = page.locator(selector).filter({ hasText: words });
    await wanted
      .first()
      .waitFor({ state: 'attached', timeout: patientMs })
      .catch(async (error: unknown) => {
        const text = await page.locator('body').innerText();
        throw new Error(`${selector} does not say ${words}:\n${text}`, { cause: error });
      });
  };
  await page.locator('html[data-live]').waitFor({ timeout: patientMs });
  await shows('h2', /production up/);
  return { site, receiver, page, shows };
}

test('R6: shows a deploy while it happens, and what serves afterwards', async (t) => {
  const { site, page, shows } = await visit(t, { builds: [{}, {}], keys: [`hooks = { smoke = "${waiting}" }`] });
  await shows('.facts > div:first-child', /Serves.*dist/s);
  const release = await hold(t, site);
  const deploying = site.call('deploy');
  await shows('.running', /deploy is at work/);
  await shows('.running .steps [aria-current="step"]', /smoke/);
  await shows('.running .steps', /stop.*free-port.*swap.*start.*gate/s);
  await shows('h2', /production changing/);
  // What is only tried does not serve yet.
  await shows('.facts > div:first-child', /Current.*dist/s);
  await release();
  const { code, document, stderr } = await deploying;
  assert.is(code, 0, stderr);
  await shows('h2', /production up/);
  await shows('.facts > div:first-child', buildId(2));
  await shows('.facts', /deployed/);
  assert.is(await page.locator('.running').count(), 0);
  // Who does not see the page hears of it.
  await shows('#news', `production: deploy deployed: production serves ${buildId(2)}`);
  assert.is(await page.locator('.timeline li').count(), 2);
  const row = page.locator(`#t0-run-${document.run}`);
  assert.match(await row.innerText(), /deployed/);
});

test('R6: shows a deploy that goes back, why, and what to type', async (t) => {
  const { site, page, shows } = await visit(t, { builds: [{}, { mode: 'status', status: 500 }] });
  const { code, document } = await site.call('deploy');
  assert.is(code, 4);
  await shows('.facts', /rolled back/);
  await shows('.why', /500/);
  await shows('.next', `cutover report --config ${site.config} production ${document.run}`);
  await shows('.facts > div:first-child', buildId(1));
  await shows('h2', /production up/);
  await shows('#news', /deploy rolled back/);
  await page.locator('.timeline li:last-child a').click();
  await page.locator(`#t0-run-${document.run}[open] .full`).waitFor({ timeout: patientMs });
});

test('R6: shows a service that goes down, and that it is back', async (t) => {
  const { site, page, shows } = await visit(t, { builds: [{}] });
  const [{ sandbox, unit }] = [site];
  await sandbox.run('systemctl', 'stop', unit);
  await shows('h2', /production down/);
  await shows('.findings', `${unit} is inactive`);
  await shows('.next', 'Type next');
  await shows('.next', `cutover recover --config ${site.config} production`);
  assert.match(await page.title(), /^production is down/);
  await shows('.curve b.bad', /% failed/);
  assert.is((await site.call('recover')).code, 0);
  await shows('h2', /production up/);
  await shows('.runs > li:first-child', /recovered/);
  assert.match(await page.title(), /^production is up/);
  // The questions that were not answered are not forgotten.
  assert.match(await page.locator('.curve').innerText(), /[1-9]\d* of \d+/);
});

test('R6: shows which build serves when the link was moved by hand', async (t) => {
  const { site, shows } = await visit(t, { builds: [{}, {}] });
  await site.sandbox.run('ln', '-sfnr', `${site.builds}/${buildId(2)}`, `${site.builds}/current`);
  await shows('.findings', `current names ${buildId(2)}, and ${buildId(1)} serves`);
  await shows('.next', `cutover check --config ${site.config} production`);
  await shows('.facts > div:first-child', new RegExp(`Serves.*${buildId(1)}`, 's'));
  await shows('h2', /production up/);
  assert.is((await site.call('deploy', [buildId(2)])).code, 0);
  await shows('.facts > div:first-child', new RegExp(`Serves.*${buildId(2)}`, 's'));
});

test('R6: says that it is not connected, and is up to date again when the receiver is back', async (t) => {
  const { site, receiver, page, shows } = await visit(t, { builds: [{}, {}] });
  assert.is(await page.locator('#connection').isVisible(), false);
  await receiver.kill('SIGKILL');
  await shows('#connection', /Not connected since \d\d:\d\d:\d\d UTC/);
  assert.is(await page.locator('html[data-stale]').count(), 1);
  assert.is((await site.call('deploy')).code, 0);
  assert.match(await page.locator('.facts').innerText(), new RegExp(buildId(1)));
  await receiver.start();
  await shows('#connection', 'Connected again');
  await shows('.facts > div:first-child', buildId(2));
  assert.is(await page.locator('html[data-stale]').count(), 0);
});

test('R6: shows what was pushed and what hooks are at work, before the first step of the run', async (t) => {
  const { receiver, site, page, shows } = await visit(t, { builds: [{}], keys: [`hooks = { fetch = "${waiting}" }`] });
  await site.add();
  const release = await hold(t, site);
  const { status, body } = await receiver.push({ branch: 'main', revision: '4f2a9c1' });
  assert.is(status, 202, JSON.stringify(body));
  await shows('.waiting', /push 4f2a9c1 \(main\) is carried out: fetch/);
  await shows('.waiting', /deploy of .* is at work .* pid \d+/);
  await shows('h2', /production up/);
  await release();
  await shows('.facts > div:first-child', buildId(2));
  await page.locator('.waiting').waitFor({ state: 'detached', timeout: patientMs });
});

test('W1: a receiver that ends lets go of whoever looks at the page', async (t) => {
  const { site, receiver, page, shows } = await visit(t, { builds: [{}] });
  const address = `http://127.0.0.1:${receiver.port}/events`;
  const took: number[] = [];
  // What would be cut off is cut off after 7 s, so one quick end of some is enough: a loaded machine may be slow once.
  for (let round = 1; took.at(-1) === undefined || (took.at(-1) ?? 0) > 6_900; round += 1) {
    assert.ok(round <= 3, `it took ${took.join(' ms, ')} ms to end`);
    const events = await site.sandbox.spawn(['curl', '--silent', '--no-buffer', address]);
    t.cleanup(() => events.kill('SIGKILL'));
    await once(events.stdout, 'data');
    const began = performance.now();
    assert.is(await receiver.kill('SIGTERM'), 0, receiver.output());
    took.push(performance.now() - began);
    await shows('#connection', /Not connected/);
    // 18: only a part came, since it was cut off.
    const { code } = await events.ended;
    if ((took.at(-1) ?? 0) <= 6_900) assert.is(code, 0);
    await receiver.start();
    await page.locator('html[data-live]').waitFor({ timeout: patientMs });
  }
});

test('R6: the shipped receiver, who may change nothing, sees as much of a target as root does', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  assert.is((await site.call('deploy')).code, 0);
  await installShipped(t, site);
  const target = await stateOnceUp(site);
  assert.equal([target?.standing, target?.findings], ['up', []]);
  assert.equal([target?.build.current, target?.build.previous], [buildId(2), buildId(1)]);
  assert.equal(
    target?.runs.map(({ outcome }) => outcome),
    ['deployed', 'deployed'],
  );
  assert.is(target?.health.answers[0]?.status, 200);
  assert.ok((target?.unit_state?.memory_bytes ?? 0) > 0);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  await until('it is seen to be down', async () => (await stateOf(site))?.standing === 'down', patientMs);
  assert.match((await stateOf(site))?.findings.join() ?? '', `nobody listens on port ${site.port}`);
});

test("R6: a port that systemd holds for another user's service is no stranger's, though its holder cannot be seen", async (t) => {
  const site = await makeSocketSite(t, { builds: [{}], service: ['User=nobody'] });
  await installShipped(t, site);
  const target = await stateOnceUp(site);
  assert.equal([target?.standing, target?.findings], ['up', []]);
});

/** From now on `waiting` waits. @returns lets it go on */
async function hold(t: TestContext, { sandbox }: Site): Promise<() => Promise<unknown>> {
  t.cleanup(() => sandbox.run('rm', '-f', '/srv/page-hold', '/srv/page-go'));
  await sandbox.run('touch', '/srv/page-hold');
  return () => sandbox.run('touch', '/srv/page-go');
}

/** The same once the target is up and nothing is found: what it is asked may be answered late. */
async function stateOnceUp(site: Site): Promise<ShownTarget | undefined> {
  let target: ShownTarget | undefined;
  const isUp = async (): Promise<boolean> => {
    target = await stateOf(site);
    return target?.standing === 'up' && target.findings.length === 0;
  };
  // What it is instead is told by who asserts it.
  await until('it is seen to be up', isUp, patientMs).catch(() => {});
  return target;
}

/** What the shipped receiver tells of the site's target. */
async function stateOf({ sandbox }: Site): Promise<ShownTarget | undefined> {
  const text = await sandbox.run('curl', '--silent', '--fail', `http://127.0.0.1:${port}/state`);
  return (JSON.parse(text) as PageModel).targets[0];
}
