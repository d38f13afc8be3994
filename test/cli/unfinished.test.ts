// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { ToldRun } from '../../lib/report/words.ts';
import { heldSite, leaveBehind, startDeploy, untilBegun } from '../deploy/running.ts';
import { buildId, makeSite } from '../deploy/site.ts';
import { assertSound } from '../deploy/sound.ts';
import { suite } from '../suite.ts';

const test = suite('cli/unfinished');
const [first, second] = [buildId(1), buildId(2)];

test('S8, S11: the report of a run that is at work says so, and of no step that it failed', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const [text, { document }] = [await site.tell('report'), await site.call<ToldRun>('report')];
  const called = await run.end();
  assert.match(text.stdout, `run ${called.document.run} is at work on production (pid ${run.pidInside()})`);
  for (const lie of ['was not touched', 'ended in the middle', 'failed']) assert.not.match(text.stdout, lie);
  assert.equal(document.unfinished, { state: 'at_work', pid: run.pidInside() });
  assert.equal([document.failure, document.active, document.run], [null, null, called.document.run]);
  const states = document.steps.slice(0, 3).map(({ name, status }) => `${name} ${status}`);
  assert.equal(states, ['stop done', 'free-port done', 'swap done']);
  assert.equal((await site.call<ToldRun>('report')).document, called.document);
  await assertSound(site, second, called);
});

test('S8, S11: the report of a run that was cut off says how far it came, and what to type', async (t) => {
  const site = await heldSite(t);
  await leaveBehind(site);
  const [text, { document }] = [await site.tell('report'), await site.call<ToldRun>('report')];
  // The start may have been written down as applied by then.
  assert.match(text.stdout, /production was cut off after (swap|start); cutover settle production/);
  assert.not.match(text.stdout, 'was not touched', 'the link has moved');
  assert.equal(document.unfinished, { state: 'cut_off', pid: null });
  assert.equal([document.outcome, document.active, document.failure?.step], ['interrupted', null, 'start']);
  assert.is((await site.call('settle')).code, 0);
  assert.match((await site.tell('report')).stdout, `production is back on ${first}`);
  await assertSound(site, first);
});

test('S8, S11: the report of a run whose end could not be written says just that', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { document: run } = await site.call('deploy');
  const ledger = site.sandbox.hostPath(`${site.state}/runs/${run.run}.jsonl`);
  const lines = (await readFile(ledger, 'utf8')).split('\n').filter((line) => !line.includes('"type":"outcome"'));
  await writeFile(ledger, lines.join('\n'));
  const text = (await site.tell('report')).stdout;
  assert.match(text, `how run ${run.run} of production ended was not written down: cutover status production`);
  assert.not.match(text, 'was not touched');
  const { runs } = (await site.call<{ runs: ToldRun[] }>('history')).document;
  assert.equal(runs[0]?.unfinished, { state: 'not_recorded', pid: null });
  const told = [text, (await site.tell('history')).stdout, (await site.tell('status')).stdout].join('\n');
  assert.match(told, `the outcome of run ${run.run} could not be written`);
  assert.match(told, new RegExp(`${run.run} +deploy +not recorded .* gate: disk`));
  assert.match(told, `deploy ${run.run}: not recorded`);
  assert.not.match(told, /interrupted|in the middle of it/);
  await assertSound(site, second);
});
