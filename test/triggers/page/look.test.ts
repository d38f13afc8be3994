import * as assert from 'uvu/assert';
import { type Browser, type BrowserContextOptions, openBrowser, type Page } from '../../browser.ts';
import { suite, type TestContext } from '../../suite.ts';
import { contrastOf } from './contrast.ts';
import { changingTarget, downTarget, modelWith, nowMs, runOf, targetWith } from './samples.ts';
import { type ShownPage, showPage } from './shown.ts';

const test = suite('the page in a browser', { timeoutMs: 180_000 });

const patientMs = 45_000;
const phone = { viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true };

let browser: Promise<Browser> | undefined;

async function openPage(t: TestContext, options: BrowserContextOptions = {}): Promise<Page> {
  browser ??= openBrowser();
  const context = await (await browser).newContext(options);
  t.cleanup(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(patientMs);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on(
    'console',
    (message) => void (/Content Security Policy/.test(message.text()) && problems.push(message.text())),
  );
  t.cleanup(() => assert.equal(problems, []));
  return page;
}

/** A page whose first events have come. */
async function visit(t: TestContext, { url }: ShownPage, options?: BrowserContextOptions): Promise<Page> {
  const page = await openPage(t, options);
  await page.clock.setFixedTime(new Date(nowMs));
  await page.goto(url);
  await page.locator('html[data-live]').waitFor();
  return page;
}

test('R6: at 360 pixels nothing has to be moved sideways, however long the names are', async (t) => {
  const long = 'a-very-long-name-without-any-place-to-break-it-'.repeat(3);
  const runs = [{ ...runOf(1_000), to: long, revision: long, sentence: long, from: long }, ...targetWith().runs];
  const wide = targetWith({ target: long, unit: long, findings: [long], next: [`cutover settle ${long}`], runs });
  const models = [
    modelWith([{ ...wide, recent_errors: [long], build: { ...wide.build, current: long, revision: long } }]),
    modelWith([downTarget(), changingTarget()]),
  ];
  for (const model of models) {
    const page = await visit(t, await showPage(t, model), phone);
    await page
      .locator('details')
      .first()
      .evaluate((element) => element.setAttribute('open', ''));
    const widths = await page.evaluate('[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]');
    assert.equal(widths, [360, 360, 360]);
    // The newest run is on the time line, in sight.
    const newest = await page.locator('.timeline li:last-child').first().boundingBox();
    assert.ok(newest !== null && newest.x + newest.width <= 360 && newest.x > 200, JSON.stringify(newest));
  }
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`R6: ${colorScheme}: every text on the page can be read (WCAG AA)`, async (t) => {
    const shown = await showPage(t, modelWith([downTarget(), changingTarget()]));
    const page = await visit(t, shown, { colorScheme });
    for (const summary of await page.locator('section:first-of-type .runs summary').all()) {
      if (await summary.isVisible()) await summary.click();
    }
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    assert.is(ground, colorScheme === 'light' ? 'rgb(251, 251, 249)' : 'rgb(19, 21, 23)');
    const seen = await page.evaluate<{ text: string; front: string; back: string }[]>(coloursOfTexts);
    assert.ok(seen.length > 100);
    const weak = seen.filter(({ front, back }) => contrastOf(front, back) < 4.5);
    assert.equal(weak, []);
  });
}

test('R6: with the keyboard alone: to the state, to a run on the time line, and into it', async (t) => {
  const page = await visit(t, await showPage(t, modelWith([downTarget()])));
  await page.keyboard.press('Tab');
  assert.is(await focused(page), 'a Skip to the state of the service');
  const skip = await page.locator('.skip').boundingBox();
  assert.ok(skip !== null && skip.y >= 0, 'the way to skip is seen');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.match(await focused(page), /^a .*$/);
  // To the newest run: the last one of the time line.
  const runs = await page.locator('.timeline li').count();
  for (let index = 1; index < runs; index += 1) {
    assert.ok(await hasOutline(page), `no outline: ${await focused(page)}`);
    await page.keyboard.press('Tab');
  }
  assert.match(
    await page.evaluate<string>('document.activeElement.getAttribute("aria-label")'),
    /^deploy failed, .* took 1 min 4 s/,
  );
  await page.keyboard.press('Enter');
  await page.locator('.runs details[open]').first().waitFor();
  assert.match(await focused(page), /^summary failed/);
  assert.ok(await hasOutline(page));
  await page.keyboard.press('Enter');
  await page.locator('.runs details[open]').first().waitFor({ state: 'detached' });
});

test('R6: what a person has opened, and where the keyboard is, stays as the page changes', async (t) => {
  const target = targetWith();
  const shown = await showPage(t, modelWith([target]));
  const page = await visit(t, shown);
  const id = `#t0-run-${target.runs[2]?.run}`;
  await page.locator(`${id} summary`).click();
  const before = await page.locator('.runs').first().locator('> li').count();
  const at = new Date(nowMs + 5_000).toISOString();
  shown.show({ ...modelWith([{ ...target, runs: [runOf(1_000, { outcome: 'failed' }), ...target.runs] }]), at });
  await page.locator('.runs > li:first-child', { hasText: 'failed' }).first().waitFor();
  assert.is(await page.locator(`${id}[open]`).count(), 1);
  assert.match(await focused(page), /^summary refused/);
  assert.is(await page.locator('.runs').first().locator('> li').count(), before);
  assert.is(await page.locator('.timeline li').count(), target.runs.length + 1);
  assert.match(await page.locator('#machine').innerText(), 'as of 2026-02-04 03:12:45 UTC');
  // Each run once, wherever it moved to.
  const ids = await page.locator('.runs details').evaluateAll((all) => all.map((one) => one.id));
  assert.is(new Set(ids).size, target.runs.length + 1);
  assert.is(ids.length, target.runs.length + 1);
});

test('R6: an address whose end cannot be read leads to a page that is kept up to date', async (t) => {
  const shown = await showPage(t, modelWith([targetWith()]));
  const page = await visit(t, { ...shown, url: `${shown.url}/#%` });
  shown.show(modelWith([downTarget()]));
  await page.locator('h2', { hasText: 'down' }).waitFor();
});

test('R6: an outcome is said to who cannot see it, once, and not when the page is opened', async (t) => {
  const target = targetWith();
  const shown = await showPage(t, modelWith([target]));
  const page = await visit(t, shown);
  assert.is(await page.locator('#news[role="status"]').textContent(), '');
  const failed = runOf(1_000, {
    outcome: 'failed',
    failure: { step: 'gate', reason: 'health', message: 'answered 500', evidence: null },
  });
  shown.show(modelWith([{ ...target, runs: [failed, ...target.runs] }]));
  await page
    .locator('#news', { hasText: 'production: deploy failed: production IS NOT VERIFIED HEALTHY' })
    .waitFor({ state: 'attached' });
});

test('R6: a script in the name of a build, a revision or a message is text and nothing else', async (t) => {
  const script = '<script>document.title="taken"</script><img src=x onerror="document.title=\'taken\'">';
  const run = { ...runOf(1_000), to: script, revision: script, sentence: script, from: script };
  const shown = await showPage(t, modelWith([targetWith()]));
  const page = await visit(t, shown);
  const build = { current: script, serving: script, revision: script, branch: script, since: null, previous: script };
  // It comes with the events first, and then with the page itself.
  shown.show(modelWith([targetWith({ build, runs: [run], findings: [script] })]));
  await page.locator('.findings li', { hasText: '<script>' }).waitFor();
  for (const how of ['as an event', 'as a page']) {
    assert.is(await page.locator('main script, main img').count(), 0, how);
    assert.is(await page.locator('.facts .id').first().textContent(), script);
    assert.not.match(await page.title(), 'taken');
    await page.reload();
    await page.locator('.findings li', { hasText: '<script>' }).waitFor();
  }
});

test('R6: without JavaScript the page can be read, and says how old it is', async (t) => {
  const shown = await showPage(t, modelWith([downTarget()]));
  const page = await openPage(t, { javaScriptEnabled: false });
  await page.goto(shown.url);
  const text = await page.locator('body').innerText();
  for (const words of [
    'production down',
    'cutover rollback production',
    'as of 2026-02-04 03:12:40 UTC',
    'rolled back',
  ])
    assert.match(text, words);
  assert.match(text, /Without JavaScript this page shows how it was when it was loaded/);
});

test('R6: a connection that says nothing any more is given up, and another one is made', async (t) => {
  const shown = await showPage(t, modelWith([targetWith()]));
  const page = await visit(t, shown);
  await page.evaluate(
    'window.opened = 0; window.EventSource = class extends EventSource { constructor(...of) { super(...of); opened += 1; } }',
  );
  // As on a laptop that slept: nothing is broken as far as it knows, and time has passed.
  await page.clock.setFixedTime(new Date(nowMs + 26_000));
  await page.locator('#connection', { hasText: 'Connected again' }).waitFor({ state: 'attached' });
  assert.is(await page.evaluate('opened'), 1);
  shown.show(modelWith([downTarget()]));
  await page.locator('h2', { hasText: 'down' }).waitFor();
  assert.is(await page.locator('html[data-stale]').count(), 0);
});

test('R6: nothing turns for whoever wants no motion', async (t) => {
  const shown = await showPage(t, modelWith([changingTarget()]));
  const names: unknown[] = [];
  for (const reducedMotion of ['reduce', 'no-preference'] as const) {
    const page = await visit(t, shown, { reducedMotion });
    names.push(await page.evaluate('getComputedStyle(document.querySelector(".steps .busy .mark")).animationName'));
  }
  assert.equal(names, ['none', 'turn']);
});

test('R6: a person comes in with the token, and a wrong one is told so', async (t) => {
  const token = 'a-token-of-many-characters';
  const shown = await showPage(t, modelWith([targetWith()]), { token });
  const page = await openPage(t, phone);
  await page.goto(shown.url);
  await page.locator('#token:focus').waitFor();
  await page.keyboard.type('something else entirely');
  await page.keyboard.press('Enter');
  await page.locator('#said', { hasText: 'that is not the token' }).waitFor();
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Show the page' }).click();
  await page.locator('h2', { hasText: 'production' }).waitFor();
  await page.locator('html[data-live]').waitFor();
  shown.show(modelWith([downTarget()]));
  await page.locator('h2', { hasText: 'down' }).waitFor();
  assert.is(await page.evaluate('document.cookie'), '');
});

function focused(page: Page): Promise<string> {
  return page.evaluate(
    '`${document.activeElement.localName} ${document.activeElement.textContent.trim().replaceAll(/\\s+/g, " ")}`',
  );
}

async function hasOutline(page: Page): Promise<boolean> {
  const style = await page.evaluate(
    '(({ outlineStyle, outlineWidth }) => [outlineStyle, parseFloat(outlineWidth)])(getComputedStyle(document.activeElement))',
  );
  const [kind, width] = style as [string, number];
  return kind !== 'none' && width >= 2;
}

/** Run in the page: the colours of each text that is seen, and of what is behind it. */
const coloursOfTexts = `(() => {
  const hex = (colour) => '#' + colour.match(/[\\d.]+/g).slice(0, 3).map((part) => Number(part).toString(16).padStart(2, '0')).join('');
  const isClear = (colour) => /rgba\\(.*, 0\\)/.test(colour);
  const backOf = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const { backgroundColor } = getComputedStyle(one);
      if (!isClear(backgroundColor)) return hex(backgroundColor);
    }
    return '#ffffff';
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = [];
  while (texts.nextNode()) {
    const { nodeValue, parentElement } = texts.currentNode;
    if (nodeValue.trim() === '' || !parentElement.checkVisibility() || parentElement.closest('noscript, .unseen')) continue;
    seen.push({ text: nodeValue.trim(), front: hex(getComputedStyle(parentElement).color), back: backOf(parentElement) });
  }
  return seen;
})()`;
