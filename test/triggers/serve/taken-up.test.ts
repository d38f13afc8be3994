// needs: sandbox
// deadline: 6min
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../../lib/run/document.ts';
import type { RequestRecord } from '../../../lib/triggers/serve/record.ts';
import { held, heldDeploy, heldSite, leaveBehind, ledger } from '../../deploy/running.ts';
import { type Site, until } from '../../deploy/site.ts';
import { addChannels, secretFile, startReceiver } from '../../deploy/telling.ts';
import { suite } from '../../suite.ts';

const test = suite('triggers/serve/taken-up', { timeoutMs: 150_000 });
const id = 'r00000077x4f2a9c1b';

test('W1: a run that was cut off and is ended first is not taken for the run of the request', async (t) => {
  const site = await heldSite(t);
  await leaveBehind(site);
  const seen = `${site.folder}/seen.json`;
  const kept = recordPath(site);
  // Its stage is written down behind the name of its run.
  const hook = `until grep -q stage...test ${kept}; do sleep 0.05; done; cp ${kept} ${seen}`;
  await site.configure({ ...held, keys: [`hooks.test = '${hook}'`] });
  const { code, stderr } = await carryOut(site);
  assert.is(code, 0, stderr);
  const [own, left] = await runsOf(site);
  assert.equal([own?.outcome, left?.outcome], ['deployed', 'rolled_back']);
  const meanwhile = JSON.parse(await readFile(site.sandbox.hostPath(seen), 'utf8')) as RequestRecord;
  const record = await readRecord(site);
  assert.equal([meanwhile.run, record.run, record.document?.run], [own?.run, own?.run, own?.run]);
});

test('W1: stopped while it waits for the end of its own run, a request is not deployed a second time', async (t) => {
  const { site, run } = await heldDeploy(t);
  const own = /"run":"([^"]+)"/.exec(await ledger(site))?.[1] ?? '';
  await writeRecord(site, own);
  const waiting = await site.sandbox.startCutover(wordsFor(site));
  waiting.stderr.resume();
  let said = '';
  waiting.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  await until('it waits', async () => said.includes('waiting'));
  waiting.kill('SIGTERM');
  await waiting.ended;
  const { run: known, ended_at } = await readRecord(site);
  assert.equal([known, ended_at], [own, null]);
  assert.is((await run.end()).code, 0);
  const { code, stderr } = await carryOut(site);
  const { run: ended, document } = await readRecord(site);
  assert.equal([code, ended, document?.outcome], [0, own, 'deployed'], stderr);
  assert.is((await runsOf(site)).length, 2);
});

test('W1, P4: what the next start of a request ends for somebody else is told, and its own deploy is guarded', async (t) => {
  const site = await heldSite(t);
  await leaveBehind(site);
  await writeRecord(site, null);
  const listener = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "webhook"',
    `url_file = "${await secretFile(site, 'url', `${listener.url}/hook`)}"`,
    'on = ["rolled_back"]',
  ]);
  const { code, stdout, stderr } = await carryOut(site);
  assert.is(code, 0, stderr);
  const left = (await runsOf(site))[1]?.run;
  const told = (await listener.told()).map(({ body }) => JSON.parse(body) as RunDocument);
  assert.equal(
    told.map(({ run, outcome }) => [run, outcome]),
    [[left, 'rolled_back']],
  );
  assert.not.match(`${stdout}${stderr}`, 'does not guard this run');
});

function recordPath({ state }: Site): string {
  return `${state}/requests/${id}.json`;
}

async function readRecord(site: Site): Promise<RequestRecord> {
  return JSON.parse(await readFile(site.sandbox.hostPath(recordPath(site)), 'utf8')) as RequestRecord;
}

/** As a process of the request leaves it that was killed. @param run the name that its run had; null: none yet */
async function writeRecord(site: Site, run: string | null): Promise<void> {
  const nothing = { stage: null, ended_at: null, exit_code: null, document: null, error: null };
  const record: RequestRecord = { id, started_at: new Date().toISOString(), run, ...nothing };
  const path = site.sandbox.hostPath(recordPath(site));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(record));
}

/** What systemd runs for the receiver. */
function wordsFor({ app, config }: Site): string[] {
  return ['request', `${app}/production/${id}`, '--config', config];
}

function carryOut(site: Site): ReturnType<Site['sandbox']['cutover']> {
  return site.sandbox.cutover(wordsFor(site));
}

async function runsOf(site: Site): Promise<RunDocument[]> {
  return (await site.call<{ runs: RunDocument[] }>('history')).document.runs;
}
