import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type { PageModel } from '../../../lib/report/page/model.ts';
import { suite, type TestContext } from '../../suite.ts';
import { until } from '../../deploy/site.ts';
import { ask } from './asked.ts';
import { downTarget, modelWith, targetWith } from './samples.ts';
import { showPage } from './shown.ts';

const test = suite('the page over HTTP');

test('R6: the page is whole before any script has run', async (t) => {
  const { url } = await showPage(t, modelWith([downTarget()]));
  const { status, headers, text } = await ask(url);
  assert.is(status, 200);
  assert.match(headers['content-type'] ?? '', /^text\/html; charset=utf-8$/i);
  assert.match(text, /<title>production is down \u2013 shop<\/title>/);
  assert.match(text, /<code class="command">cutover rollback production<\/code>/);
  assert.match(text, 'systemd gave up after 3 restarts');
  assert.match(text, /<link rel="icon"[^>]*href="\/page\/bad\.svg"/);
  assert.not.match(text, /\{\{|undefined|\[object/);
});

test('R6: nothing is loaded from elsewhere, no script or style stands in the page, and nobody keeps it', async (t) => {
  const { url } = await showPage(t, modelWith([targetWith()]));
  const { headers, text } = await ask(url);
  const policy = headers['content-security-policy'] ?? '';
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
    assert.match(policy, rule);
  assert.not.match(policy, /unsafe|\*|https?:/);
  assert.is(headers['cache-control'], 'no-store');
  assert.is(headers['x-content-type-options'], 'nosniff');
  assert.not.match(text, /<script(?![^>]*\bsrc="\/page\/)|<style|\sstyle=|\son[a-z]+=|(?:src|href)="(?:https?:)?\/\//);
});

test('R6: a file of the page is sent once, and again when it is another one', async (t) => {
  const { url } = await showPage(t, modelWith([targetWith()]));
  const { text } = await ask(url);
  const paths = [...text.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, path]) => path ?? '');
  assert.ok(paths.length >= 3);
  for (const path of [...paths, '/page/morph.js', '/page/times.js']) {
    const first = await ask(url + path);
    assert.is(first.status, 200, path);
    assert.is(first.headers['cache-control'], 'no-cache');
    const again = await ask(url + path, { headers: { 'if-none-match': `"other", W/${first.headers.etag}` } });
    assert.equal([again.status, again.text], [304, '']);
    assert.is((await ask(url + path, { headers: { 'if-none-match': '"other"' } })).status, 200);
  }
  for (const path of ['/page/index.html', '/page/..%2fpage.css', '/page/%2e%2e/token.ts', '/page/constructor'])
    assert.is((await ask(url + path)).status, 404, path);
});

test('R6: /state is the same as one document', async (t) => {
  const model = modelWith([targetWith(), downTarget()]);
  const { url } = await showPage(t, model);
  const { status, text } = await ask(`${url}/state`);
  assert.is(status, 200);
  assert.equal(JSON.parse(text), JSON.parse(JSON.stringify(model)));
  const keys = [...text.matchAll(/"([^"]+)":/g)].map(([, key]) => key);
  assert.equal(
    keys.filter((key) => !/^[a-z][a-z_0-9]*$/.test(key ?? '')),
    [],
  );
});

test('R6: /events tells the whole state first, then each change, the newest alone to who reads slowly', async (t) => {
  const shown = await showPage(t, modelWith([targetWith()]));
  const events = await listen(t, `${shown.url}/events`);
  assert.is((await events.next()).targets[0]?.standing, 'up');
  shown.show(modelWith([downTarget()]));
  assert.is((await events.next()).targets[0]?.standing, 'down');
  const model = modelWith([]);
  const target = targetWith();
  for (let pid = 1; pid <= 500; pid += 1) shown.show({ ...model, targets: [{ ...target, unit: `${pid}.service` }] });
  const units: string[] = [];
  while (units.at(-1) !== '500.service') units.push((await events.next()).targets[0]?.unit ?? '');
  assert.ok(units.length <= 3, `${units.length} for 500 changes at once`);
});

test('R6: the page itself is sent only what has changed', async (t) => {
  const model = modelWith([targetWith(), targetWith({ target: 'staging' })]);
  const shown = await showPage(t, model);
  const events = await listen(t, `${shown.url}/events?as=page`);
  const first = (await events.next()) as unknown as { sections: Record<string, string> };
  assert.equal(Object.keys(first.sections), ['top', 't0-now', 't0-past', 't1-now', 't1-past', 'machine']);
  shown.show({ ...model, targets: [targetWith(), targetWith({ target: 'staging', findings: ['<b>'] })] });
  const second = (await events.next()) as unknown as typeof first;
  assert.equal(Object.keys(second.sections), ['t1-now']);
  assert.match(second.sections['t1-now'] ?? '', '<li>&lt;b&gt;</li>');
});

test('R6: there are no more listeners than there may be, and one that goes makes room', async (t) => {
  const shown = await showPage(t, modelWith([targetWith()]));
  const all = await Promise.all([1, 2, 3, 4].map(() => listen(t, `${shown.url}/events`)));
  const refused = await ask(`${shown.url}/events`);
  assert.equal([refused.status, refused.headers['retry-after']], [503, '30']);
  assert.is(JSON.parse(refused.text).error.code, 'too_many');
  const heads = await Promise.all([1, 2, 3, 4, 5].map(() => ask(`${shown.url}/events`, { method: 'HEAD' })));
  assert.ok(heads.every(({ status, text }) => status === 200 && text === ''));
  assert.is(shown.listeners(), 4);
  all[0]?.end();
  await until('it is gone', async () => shown.listeners() === 3);
  await listen(t, `${shown.url}/events`);
});

test('R6: without a token the page is for this machine alone, and a foreign name or a proxy is not this machine', async (t) => {
  const { url } = await showPage(t, modelWith([targetWith()]));
  for (const path of ['/', '/state', '/events']) {
    const foreign: Record<string, string>[] = [
      { host: 'deploy.example.com' },
      { host: '127.0.0.1.example.com' },
      { host: 'localhost', 'x-forwarded-for': '192.0.2.7' },
      { host: 'localhost', forwarded: 'for=192.0.2.7' },
    ];
    for (const headers of foreign) {
      const { status, text } = await ask(url + path, { headers });
      assert.is(status, 403, `${path} ${JSON.stringify(headers)}`);
      assert.match(JSON.parse(text).error.mend, 'token_file');
    }
  }
  assert.is((await ask(url, { headers: { host: 'localhost:4040' } })).status, 200);
  const { status, text } = await ask(url, { headers: { host: 'deploy.example.com', accept: 'text/html' } });
  assert.is(status, 403);
  assert.match(text, 'without a token this is shown on this machine alone');
});

test('R6: a proxy that names nobody, as nginx does by default, is not this machine either', async (t) => {
  const { url } = await showPage(t, modelWith([targetWith()]));
  const { host, hostname, port } = new URL(url);
  const asked = connect({ host: hostname, port: Number(port) });
  t.cleanup(() => asked.destroy());
  asked.write(`GET / HTTP/1.0\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  assert.match(await readText(asked), /^HTTP\/1\.1 403 /);
  assert.is((await ask(url)).status, 200);
});

interface Listened {
  next(): Promise<PageModel>;
  end(): void;
}

/** Reads events one by one; signs of life are passed over. */
async function listen(t: TestContext, url: string): Promise<Listened> {
  const ended = new AbortController();
  t.cleanup(() => ended.abort());
  const response = await fetch(url, { signal: AbortSignal.any([ended.signal, AbortSignal.timeout(120_000)]) });
  assert.equal([response.status, response.headers.get('content-type')], [200, 'text/event-stream']);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  return {
    end: () => ended.abort(),
    async next() {
      for (;;) {
        const [, event, rest] = /^([^]*?)\n\n([^]*)$/.exec(text) ?? [];
        if (event !== undefined) text = rest ?? '';
        const [, data] = /^data: (.*)$/m.exec(event ?? '') ?? [];
        if (data !== undefined && !/^event: beat$/m.test(event ?? '')) return JSON.parse(data) as PageModel;
        if (event !== undefined) continue;
        const { done, value } = await reader.read();
        if (done) throw new Error('the events ended');
        text += decoder.decode(value, { stream: true });
      }
    },
  };
}
