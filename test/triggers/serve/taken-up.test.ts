// needs: sandbox
// deadline: 6min
import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../../lib/run/document.ts';
import type { RequestRecord } from '../../../lib/triggers/serve/record.ts';
import { held, heldSite, leaveBehind } from '../../deploy/running.ts';
import type { Site } from '../../deploy/site.ts';
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

function recordPath({ state }: Site): string {
  return `${state}/requests/${id}.json`;
}

async function readRecord(site: Site): Promise<RequestRecord> {
  return JSON.parse(await readFile(site.sandbox.hostPath(recordPath(site)), 'utf8')) as RequestRecord;
}

/** What systemd runs for the receiver. */
function carryOut({ sandbox, app, config }: Site): ReturnType<Site['sandbox']['cutover']> {
  return sandbox.cutover(['request', `${app}/production/${id}`, '--config', config]);
}

async function runsOf(site: Site): Promise<RunDocument[]> {
  return (await site.call<{ runs: RunDocument[] }>('history')).document.runs;
}
