// needs: sandbox
// deadline: 6min
import { readFile, rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../../lib/run/document.ts';
import { makeSite, type Site, type SiteOptions, until } from '../../deploy/site.ts';
import { suite, type TestContext } from '../../suite.ts';
import { installShipped, port } from './installed.ts';
import { callInside, receivingSite, signatureOf } from './receiving.ts';

const test = suite('triggers/serve/pushed', { timeoutMs: 150_000 });
const made = 'dist.20260203-160000';
const tell = 'echo "$CUTOVER_REVISION $CUTOVER_BRANCH" >>/srv/pushed';
/** A build hook that makes a build without a manifest, as most do. */
const building: SiteOptions = {
  builds: [{}],
  keys: [
    `hooks.fetch = '${tell}'`,
    `hooks.build = '${tell}; cp -a dist.20260203-150001 ${made} && echo ${made}'`,
    `hooks.smoke = '${tell}'`,
  ],
};
const push = { branch: 'main', revision: '4f2a9c1' };

async function assertKnown(t: TestContext, site: Site, document: RunDocument): Promise<void> {
  const file = site.sandbox.hostPath('/srv/pushed');
  t.cleanup(() => rm(file, { force: true }));
  assert.equal((await readFile(file, 'utf8')).trim().split('\n'), Array(3).fill('4f2a9c1 main'));
  assert.equal([document.to, document.revision, document.branch], [made, '4f2a9c1', 'main'], JSON.stringify(document));
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  assert.equal([runs[0]?.revision, runs[0]?.branch], ['4f2a9c1', 'main']);
}

test('W1: what was pushed is known to the hooks, and recorded with the build that they made', async (t) => {
  const receiving = await receivingSite(t, building);
  const ended = await receiving.ended((await receiving.push(push)).body.id);
  await assertKnown(t, receiving.site, ended.document);
});

test('W1: what was pushed is known to a run that a hook refuses', async (t) => {
  const receiving = await receivingSite(t, { builds: [{}], keys: ["hooks.test = 'exit 1'"] });
  const { document } = await receiving.ended((await receiving.push(push)).body.id);
  assert.equal([document.outcome, document.revision, document.branch], ['refused', '4f2a9c1', 'main']);
});

test('W1: so it is with the shipped units, whose receiver is another user', async (t) => {
  const site = await makeSite(t, building);
  await installShipped(t, site);
  const body = JSON.stringify(push);
  const headers = { 'X-Signature-256': signatureOf(body) };
  const ask = async (call: Parameters<typeof callInside>[2][number]) =>
    (await callInside(site.sandbox, port, [call]))[0]?.body;
  const { run } = await ask({ method: 'POST', path: '/hooks/plain/production', headers, body });
  await until('it is over', async () => (await ask({ path: run })).state === 'done', 60_000);
  await assertKnown(t, site, (await ask({ path: run })).document);
});
