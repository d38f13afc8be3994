// needs: sandbox
// deadline: 10min
import { readdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { buildId, type Refusal } from '../../deploy/site.ts';
import { suite } from '../../suite.ts';
import { about, assertTidy, type Fleet, makeFleet, names, takePort, wearOut } from './fleet.ts';

const test = suite('deployer/recover', { timeoutMs: 120_000 });
const first = buildId(1);

const invocation = ({ sandbox, unit }: Fleet, name: (typeof names)[number]): Promise<string> =>
  sandbox.run('systemctl', 'show', '--property=InvocationID', '--value', unit(name));

test('R1, R3: three phases: one stopped, one given up on, one that a hook mends; the healthy is left alone', async (t) => {
  const fleet = await makeFleet(t);
  const mend = `echo '{}' > behaviour.json; echo mended by a hook`;
  await fleet.configure({ tables: ['[targets.helper.hooks]', `repair = "${mend}"`] });
  await fleet.stop('backend');
  await wearOut(fleet, 'helper', true);
  const before = await invocation(fleet, 'frontend');
  const { code, document, stderr } = await fleet.call('recover');
  assert.is(code, 0, stderr);
  const { recovered, healthy, total, quorum, attempts, exit_code } = document;
  assert.equal(
    { recovered, healthy, total, quorum, attempts, exit_code },
    {
      recovered: true,
      healthy: 3,
      total: 3,
      quorum: 0.66,
      attempts: 1,
      exit_code: 0,
    },
  );
  assert.equal(
    document.targets.map(({ target, before: was, after, next }) => [
      target,
      was.state,
      was.healthy,
      after.healthy,
      next,
    ]),
    [
      ['backend', 'inactive', false, true, null],
      ['frontend', 'active', true, true, null],
      ['helper', 'failed', false, true, null],
    ],
  );
  assert.equal(about(document, 'frontend').actions, []);
  assert.is(await invocation(fleet, 'frontend'), before, 'the healthy one was started anew');
  assert.match(about(document, 'helper').findings.join('\n'), /is failed .*gave up after \d restarts/);
  assert.ok(about(document, 'helper').actions.includes('ran the repair'));
  assert.match(stderr, 'helper:     | mended by a hook');
  const [run] = await fleet.runs('helper');
  assert.equal([run?.kind, run?.outcome, run?.run], ['recovery', 'deployed', about(document, 'helper').run]);
  assert.equal(
    run?.steps.map(({ name, status }) => `${name} ${status}`),
    ['end-leftovers done', 'repair done', 'start done', 'gate done'],
  );
  // Backend's run was over before helper's began.
  const [earlier] = await fleet.runs('backend');
  assert.ok(Date.parse(earlier?.started_at ?? '') + (earlier?.duration_ms ?? 0) <= Date.parse(run?.started_at ?? ''));
  await assertTidy(fleet);
});

test('R1: a used-up start limit is no hindrance, and a stranger on a port is named and not touched', async (t) => {
  const fleet = await makeFleet(t);
  await wearOut(fleet, 'backend', false);
  await fleet.stop('frontend');
  const stranger = await takePort(t, fleet, 'frontend');
  const { code, document } = await fleet.call('recover');
  assert.equal([code, document.recovered, document.healthy, document.attempts], [0, true, 2, 2]);
  assert.is(about(document, 'backend').after.healthy, true);
  const taken = about(document, 'frontend');
  assert.match(taken.findings.join('\n'), /port \d+ is taken by pid \d+ \(\S*node/);
  assert.equal([taken.after.healthy, taken.next], [false, 'sudo ss -ltnp']);
  assert.not.ok(await fleet.isUp('frontend'));
  assert.ok(stranger.kill('SIGCONT'), 'the stranger was ended');
  await assertTidy(fleet);
});

test('R2: less than the quorum is exit 3, after all attempts, with what to type', async (t) => {
  const fleet = await makeFleet(t);
  await wearOut(fleet, 'frontend', true);
  await wearOut(fleet, 'helper', true);
  const { code, document } = await fleet.call('recover');
  assert.equal(
    [code, document.recovered, document.healthy, document.attempts, document.exit_code],
    [3, false, 1, 2, 3],
  );
  const helper = about(document, 'helper');
  assert.equal([helper.after.healthy, helper.next], [false, 'cutover logs helper --unit']);
  assert.match(helper.actions.join('\n'), /attempt 1: .*[^]*attempt 2: /);
  const runs = await fleet.runs('helper');
  assert.equal(
    runs.slice(0, 2).map(({ kind, outcome, failure }) => [kind, outcome, failure?.step]),
    [
      ['recovery', 'failed', 'start'],
      ['recovery', 'failed', 'start'],
    ],
  );
  assert.ok(runs[0]?.failure?.evidence, 'no evidence was kept');
  // A machine at fault is not held against the build.
  assert.not.ok((await readdir(fleet.sandbox.hostPath(fleet.state('helper')))).includes('quarantine.json'));
  await fleet.configure({ recovery: ['quorum = 0.3', 'attempts = 1'] });
  assert.is((await fleet.call('recover')).code, 0, 'a third is enough now');
  await assertTidy(fleet);
});

test('R2, R3: --status-only tells the same and changes nothing', async (t) => {
  const fleet = await makeFleet(t);
  const well = await fleet.call('recover', '--status-only');
  assert.equal([well.code, well.document.healthy, well.document.attempts], [0, 3, 0]);
  await fleet.stop('backend');
  await fleet.stop('helper');
  const { code, document } = await fleet.call('recover', '--status-only');
  assert.equal([code, document.recovered, document.healthy], [3, false, 1]);
  const { findings, actions, next, run } = about(document, 'backend');
  assert.equal([actions, next, run], [[], 'cutover recover backend', null]);
  assert.match(findings.join('\n'), /is inactive \(dead\)[^]*nobody listens on port/);
  assert.not.ok(await fleet.isUp('backend'));
  assert.is((await fleet.runs('backend')).length, 1);
  const told = await fleet.sandbox.cutover(['recover', '--status-only', '--config', fleet.config]);
  assert.is(told.code, 3);
  assert.match(
    told.stdout,
    /✗ backend +\S+: inactive \(dead\)\n {4}found .*[^]*next +cutover recover --config \S+ backend/,
  );
  assert.match(told.stdout, 'NOT RECOVERED: 1 of 3 healthy, 66 % are wanted');
});

test('R3: only the named ones are looked after, by words or --only; a name that is none is exit 64', async (t) => {
  const fleet = await makeFleet(t);
  for (const name of names) await fleet.stop(name);
  const one = await fleet.call('recover', 'helper');
  assert.equal([one.code, one.document.total, one.document.recovered], [0, 1, true]);
  assert.equal([await fleet.isUp('backend'), await fleet.isUp('helper')], [false, true]);
  const two = await fleet.call('recover', '--only=backend', '--only', 'frontend,helper');
  assert.equal([two.code, two.document.targets.map(({ target }) => target)], [0, [...names]]);
  const { code, document } = await fleet.call<Refusal>('recover', 'backend', 'bakend');
  assert.equal([code, document.error?.code], [64, 'usage']);
  assert.match(document.error.message, 'there is no target bakend');
});

test('R1: a build that never comes up makes room for the last proven one, after the last attempt', async (t) => {
  const fleet = await makeFleet(t);
  await fleet.add('backend', 2);
  assert.is((await fleet.call('deploy', 'backend')).code, 0);
  await writeFile(
    fleet.sandbox.hostPath(`${fleet.builds('backend')}/${buildId(2)}/behaviour.json`),
    '{"mode":"crash"}',
  );
  await fleet.sandbox.exec(['systemctl', 'restart', fleet.unit('backend')]);
  const { code, document } = await fleet.call('recover', 'backend');
  const { after, actions, run, next } = about(document, 'backend');
  assert.equal([code, after.healthy, next], [0, true, null], JSON.stringify(document));
  assert.ok(actions.includes(`attempt 2: went back to ${first}`), actions.join('\n'));
  const runs = await fleet.runs('backend');
  assert.equal(
    runs.slice(0, 3).map(({ kind, outcome, active }) => [kind, outcome, active]),
    [
      ['rollback', 'deployed', first],
      ['recovery', 'failed', buildId(2)],
      ['recovery', 'failed', buildId(2)],
    ],
  );
  assert.is(run, runs[0]?.run);
  await assertTidy(fleet);
});
