// needs: sandbox
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite } from '../suite.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/state');
const [first, second] = [buildId(1), buildId(2)];

/** Files of the state, each with what a power cut, a full disk or a person may leave in it. */
const damaged: Record<string, string[]> = {
  lock: ['', 'not JSON', 'null'],
  'in-flight': ['', 'not JSON', '{"run":"../../elsewhere"}', '{"run":"20200101-000000-0000"}'],
  'quarantine.json': ['', '{"dist.2026', '[]', 'null'],
  'runs/29990101-000000-0000.jsonl': [
    '',
    '{"at":"2026-02-03T15:11:20.000Z","type":"beg',
    'null\n',
    '{"type":"begin","inputs":{"run":"x"}}\n',
  ],
};

for (const [file, texts] of Object.entries(damaged)) {
  test(`a damaged ${file} stops neither a look nor a deploy nor a rollback`, async (t) => {
    const site = await makeSite(t, { builds: [{}, {}] });
    const path = site.sandbox.hostPath(`${site.state}/${file}`);
    for (const [index, text] of texts.entries()) {
      for (const command of ['status', 'history', 'builds', 'check', index % 2 ? 'rollback' : 'deploy']) {
        await writeFile(path, text);
        const called = await site.call(command);
        assert.is(called.code, 0, `${command} with ${JSON.stringify(text)}: ${called.stderr}`);
        assert.not.match(called.stderr, 'defect');
      }
    }
    const names = await readdir(site.sandbox.hostPath(`${site.state}/runs`));
    assert.ok(names.length > texts.length);
  });
}

test('S8: nothing is in flight, although a mark was left by a run without a ledger', async (t) => {
  const site = await makeSite(t);
  await writeFile(site.sandbox.hostPath(`${site.state}/in-flight`), '{"run":"20200101-000000-0000","pid":1}');
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.outcome], [0, 'unchanged'], settled.stderr);
  await assertSound(site, first);
});

test('S8: the newest ledger is torn: report and logs tell the newest run that can be read', async (t) => {
  const site = await makeSite(t);
  const told = await site.call('report');
  const log = await site.tell('logs');
  await writeFile(site.sandbox.hostPath(newestLedger(site)), '{"at":"20');
  const called = await site.call('report');
  assert.equal([called.code, called.document], [0, told.document], called.stderr);
  assert.equal(await site.tell('logs'), log);
});

test('S8: a ledger of another make is passed over, and the runs beside it are told', async (t) => {
  const site = await makeSite(t);
  const answers = async () => {
    const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
    const { targets } = (await site.call<{ targets: TargetStatus[] }>('status')).document;
    return [runs, targets[0]?.last_run, (await site.call('report')).document];
  };
  const before = await answers();
  await writeFile(site.sandbox.hostPath(newestLedger(site)), '{"type":"begin","inputs":{"run":"x"}}\n');
  assert.equal(await answers(), before);
});

/** Where a ledger lies that is newer than every run of this test. */
function newestLedger({ state }: Site): string {
  return `${state}/runs/29990101-000000-0000.jsonl`;
}

test('what is kept is for its owner alone', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  const { document } = await site.call('deploy');
  const { sandbox, state } = site;
  const runs = `${state}/runs`;
  const evidence = document.failure?.evidence ?? '';
  for (const directory of [state, runs, evidence]) {
    assert.is((await stat(sandbox.hostPath(directory))).mode & 0o777, 0o700, directory);
  }
  for (const file of [
    `${state}/lock`,
    `${state}/quarantine.json`,
    `${runs}/${document.run}.jsonl`,
    `${evidence}/journal.txt`,
  ]) {
    assert.is((await stat(sandbox.hostPath(file))).mode & 0o777, 0o600, file);
  }
});

test('S8: the state is lost between two deploys: nothing is missed but the history', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.sandbox.run('rm', '-r', `/var/lib/cutover/${site.app}`);
  assert.equal((await site.call<{ runs: RunDocument[] }>('history')).document.runs, []);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.from, called.document.active], [0, first, second], called.stderr);
  await assertSound(site, second, called);
});

test('S11: the clock goes back: the next run is still the newest, and the way back is the right one', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  assert.is((await site.call('deploy', [second])).code, 0);
  const { runs } = (await site.call<{ runs: { run: string }[] }>('history')).document;
  const directory = site.sandbox.hostPath(`${site.state}/runs`);
  // The runs that there are were made by a clock that was far ahead.
  for (const { run } of runs) {
    const later = `3${run.slice(1)}`;
    const text = await readFile(`${directory}/${run}.jsonl`, 'utf8');
    await writeFile(`${directory}/${later}.jsonl`, text.replaceAll(run, later));
    await rm(`${directory}/${run}.jsonl`);
  }
  const third = buildId(3);
  const called = await site.call('deploy', [third]);
  assert.equal([called.code, called.document.from, called.document.active], [0, second, third], called.stderr);
  assert.is((await site.call('report')).document.run, called.document.run, 'the newest run');
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, second], back.stderr);
  await assertSound(site, second, back);
});
