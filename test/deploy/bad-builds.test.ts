// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Reason } from '../../lib/run/failure.ts';
import type { Behaviour } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import { unwell } from './running.ts';
import { buildId, type Called, makeSite, type Site, type SiteOptions } from './site.ts';
import { assertNothingLeft, assertSound, whoServes } from './sound.ts';

const test = suite('deploy/bad builds');

interface Expected {
  reason: Reason | Reason[];
  step: string | string[];
  message: RegExp;
}

/** Deploys a bad build over a good one, which was deployed without the tables: exit 4, and the good one is back. */
async function goesBack(
  t: TestContext,
  bad: Behaviour,
  expected: Expected,
  { tables, ...options }: SiteOptions = {},
): Promise<{ site: Site; called: Called }> {
  const site = await makeSite(t, { builds: [{}, bad], ...options });
  await site.configure({ tables });
  const called = await site.call('deploy');
  const { code, document, stderr } = called;
  const { failure } = document;
  assert.is(code, 4, stderr);
  assert.is(document.exit_code, 4);
  assert.is(document.outcome, 'rolled_back');
  assert.equal([document.from, document.to, document.active], [buildId(1), buildId(2), buildId(1)]);
  assert.ok(
    [expected.reason].flat().includes(failure?.reason as Reason),
    `reason ${failure?.reason}: ${failure?.message}`,
  );
  assert.ok([expected.step].flat().includes(failure?.step ?? ''), `step ${failure?.step}: ${failure?.message}`);
  assert.match(failure?.message ?? '', expected.message);
  assert.match(
    stderr,
    `${buildId(2)} failed: ${failure?.message}; production is back on ${buildId(1)}, verified healthy`,
  );
  assert.match(stderr, `evidence: ${failure?.evidence}`);
  await assertSound(site, buildId(1), called);
  return { site, called };
}

test('S4: a build that crashes at its start', async (t) => {
  const { site, called } = await goesBack(
    t,
    { mode: 'crash' },
    { step: 'start', reason: 'exited', message: /shop\d+\.service exited with status 1/ },
  );
  const { steps } = called.document;
  assert.equal(
    steps.map(({ name, status }) => `${name} ${status}`),
    ['stop reverted', 'free-port done', 'swap reverted', 'start failed'],
  );
  const again = await site.call('deploy');
  assert.is(again.document.outcome, 'unchanged', 'a quarantined build is not picked again');
  const passedOver = `${buildId(2)} is newer and quarantined (exited, run ${called.document.run})`;
  const answer = again.document.checks.find(({ name }) => name === 'quarantine');
  assert.equal(
    [answer?.status, answer?.observed, answer?.mend],
    ['warn', passedOver, `cutover deploy production ${buildId(2)}`],
  );
  const quiet = await site.tell('deploy', '--quiet');
  assert.is(
    (quiet.stderr + quiet.stdout).trim(),
    `production serves ${buildId(1)} already: nothing to do; ${passedOver}`,
  );
});

test('the story: a build that exits with status 0 at once', async (t) => {
  await goesBack(t, { mode: 'exit0' }, { step: 'start', reason: 'exited', message: /exited with status 0/ });
});

test('S4: a build that exits with status 0 while a command after its start is at work is at fault itself', async (t) => {
  const expected: Expected = { step: 'start', reason: 'exited', message: /exited with status 0/ };
  const { site } = await goesBack(t, { mode: 'exit0' }, expected, { service: ['ExecStartPost=/bin/sleep 1'] });
  assert.is((await site.call('deploy')).document.outcome, 'unchanged', 'it is quarantined');
});

test('S3: a build that crashes after it was healthy', async (t) => {
  const tables = { health: ['healthy_for = "9s"'] };
  await goesBack(
    t,
    { mode: 'crash_later', afterMs: 5000 },
    { step: 'gate', reason: ['exited', 'restarting'], message: /exited with status 1/ },
    { tables },
  );
});

test('S2: a build that never listens', async (t) => {
  const tables = { start: ['timeout = "6s"'] };
  const message = /shop\d+\.service did not listen on port \d+ within 6 s/;
  await goesBack(t, { mode: 'never_listen' }, { step: 'start', reason: 'timeout', message }, { tables });
});

for (const [whose, lines, tables, message] of [
  ["the unit's own TimeoutStartSec=", ['TimeoutStartSec=6s'], {}, /did not get ready within its own TimeoutStartSec=/],
  ['start.timeout', ['TimeoutStartSec=10min'], { start: ['timeout = "6s"'] }, /within 6 s/],
] as const satisfies [string, string[], SiteOptions['tables'], RegExp][]) {
  test(`S2, S5: a build that is not ready within ${whose}`, async (t) => {
    const hangs = `ExecStartPre=/bin/sh -c 'case "$(pwd -P)" in *${buildId(2)}) exec sleep 600;; esac'`;
    const { called } = await goesBack(
      t,
      {},
      { step: 'start', reason: 'timeout', message },
      { service: [...lines, hangs], tables: { ...tables } },
    );
    assert.ok(called.document.duration_ms < 60_000);
  });
}

test('S3: a build that accepts and never answers', async (t) => {
  // The build before is asked with it too, and answers late on a busy machine.
  const tables = { health: ['timeout = "6s"', 'attempts = 2'] };
  const message = /not healthy after 2 attempts: http:.*no answer within 6 s/;
  const { called } = await goesBack(t, { mode: 'hang' }, { step: 'gate', reason: 'health', message }, { tables });
  assert.ok(called.document.duration_ms < 60_000);
});

test('S3: a build that answers 500', async (t) => {
  const message = /not healthy after 3 attempts: .*answered 500, expected 200: \{"status":"broken"\}/;
  await goesBack(t, { mode: 'status', status: 500 }, { step: 'gate', reason: 'health', message });
});

test('S3: a build with the wrong JSON', async (t) => {
  await goesBack(
    t,
    { mode: 'wrong_body' },
    { step: 'gate', reason: 'health', message: /status is "unhealthy", expected "healthy"/ },
  );
});

test('S3: a build with the wrong body', async (t) => {
  const tables = { health: ['body = "\\"status\\":\\"(healthy|fine)\\""', 'json = {}'] };
  await goesBack(
    t,
    { mode: 'wrong_body' },
    { step: 'gate', reason: 'health', message: /the body does not match/ },
    { tables },
  );
});

test('S4: a build that eats memory', async (t) => {
  const tables = { limits: ['memory = "150M"', 'memory_spike = 0'], health: ['healthy_for = "1s"'] };
  const message = /shop\d+\.service uses [\d.]+[KM] of memory, over its limit of 150M/;
  const bad = { mode: 'eat_memory', megabytes: 256 } as const;
  const { site, called } = await goesBack(t, bad, { step: 'gate', reason: 'memory', message }, { tables });
  const attempts = await site.sandbox.run('cat', `${called.document.failure?.evidence}/attempts.json`);
  const last = (JSON.parse(attempts) as { observed: string; problem: string }[]).at(-1);
  assert.is(last?.observed, 'memory', 'the look that ended the gate is among its looks');
  assert.match(last?.problem ?? '', message);
});

test('S4: a build whose memory is a multiple of what the build before used', async (t) => {
  const tables = { health: ['healthy_for = "1s"'] };
  await goesBack(
    t,
    { mode: 'eat_memory', megabytes: 384 },
    { step: 'gate', reason: 'memory', message: /over 3 times the .* of the build before/ },
    { tables },
  );
});

/** It is looked at for minutes: however late the journal has its lines, they end that. */
const loud = { mode: 'log_errors', ...unwell } as const;
const askedLong = ['attempts = 600'];

test('S3: a build that logs errors', async (t) => {
  const tables = { health: askedLong };
  const message = /logged \d+ errors since its start: error 1/;
  await goesBack(t, loud, { step: 'gate', reason: 'journal', message }, { tables });
});

test('S3: a build that logs what must not appear', async (t) => {
  const tables = {
    health: askedLong,
    limits: ['journal_errors = -1', 'journal_pattern = "other stream"'],
  };
  await goesBack(
    t,
    loud,
    { step: 'gate', reason: 'journal', message: /logged what must not appear: error 1 again/ },
    { tables },
  );
});

/** Longer than a busy machine needs to tell of a process's end. */
const watchedLong = { health: ['healthy_for = "5s"'] };

test('S4: a build that forks away', async (t) => {
  await goesBack(
    t,
    { mode: 'fork_away' },
    { step: ['start', 'gate'], reason: ['exited', 'restarting'], message: /exited with status 0/ },
    { tables: watchedLong },
  );
});

test('S4: a build that forks away a moment after it answers', async (t) => {
  await goesBack(
    t,
    { mode: 'fork_away', afterMs: 100 },
    { step: ['start', 'gate'], reason: ['exited', 'restarting'], message: /exited with status 0/ },
    { tables: watchedLong },
  );
});

test('S4: a main process that stays beside the child that serves is no fork away', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'fork_away', afterMs: null }] });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, buildId(2)], called.stderr);
  assert.is((await whoServes(site))?.build, buildId(2));
  await assertNothingLeft(site);
});

test('S4: a first deploy that fails: the unit is stopped, current is as before, exit 3', async (t) => {
  const site = await makeSite(t, { builds: [{ mode: 'crash' }], isDeployed: false });
  const called = await site.call('deploy');
  const { outcome, exit_code, from, active, failure } = called.document;
  assert.equal([called.code, exit_code, outcome, from, active], [3, 3, 'failed', null, null], called.stderr);
  assert.equal([failure?.step, failure?.reason], ['start', 'exited']);
  assert.match(called.stderr, 'there was no proven build to go back to; the unit was stopped');
  assert.match(called.stderr, `-> systemctl status ${site.unit}`);
  await assertSound(site, null, called);
  const good = await site.add();
  const again = await site.call('deploy');
  assert.equal([again.code, again.document.from, again.document.active], [0, null, good], again.stderr);
  await assertSound(site, good, again);
});

test('S4: what is gone back to does not listen on every port: not called healthy, exit 3', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  await site.configure({ tables: { start: ['timeout = "3s"'] } });
  const path = site.sandbox.hostPath(site.config);
  const other = site.port + 500;
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(`port = ${site.port}`, `port = [${site.port}, ${other}]`));
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [3, 'failed'], called.stderr);
  assert.match(called.stderr, 'production IS NOT VERIFIED HEALTHY');
  assert.match(called.stderr, `nobody listens on port ${other}`);
  await assertNothingLeft(site);
});

test('S4: a build that the kernel kills for its memory', async (t) => {
  const bad = { mode: 'eat_memory', megabytes: 400 } as const;
  const service = ['MemoryMax=120M', 'MemorySwapMax=0'];
  const tables = { health: ['healthy_for = "1s"'] };
  // Version 1 of cgroups tells systemd nothing of the kill but its signal; the gate may also see the level before.
  const message = /ran out of memory|ended by signal 9|over its limit of 108M|over 3 times/;
  const expected = { step: ['start', 'gate'], reason: ['memory', 'exited', 'restarting'] as Reason[], message };
  await goesBack(t, bad, expected, { service, tables });
});
