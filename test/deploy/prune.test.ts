// needs: sandbox
// deadline: 10min
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { BuildRow } from '../../lib/deployer/builds.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite } from '../suite.ts';
import { gone, ids, namesOnDisk, prune, startInside, siteWithOld, whyKept } from './pruning.ts';
import { held, leaveBehind, letGo, startDeploy, untilBegun } from './running.ts';
import { buildId, makeSite, pointCurrent, type Refusal, type Site, until, untilNextSecond } from './site.ts';
import { assertNothingLeft, assertSound } from './sound.ts';

const test = suite('deploy/prune', { timeoutMs: 180_000 });

test('W3, S8: twelve builds, failures in between, keep = 2: the good ones stay, and the way back works', async (t) => {
  const site = await makeSite(t, { builds: [{}], keys: ['keep = 2'] });
  const bad = new Set([3, 4, 6, 9, 10, 11]);
  let good = [1];
  for (let number = 2; number <= 12; number += 1) {
    await site.add(bad.has(number) ? { mode: 'crash' } : {});
    const deployed = await site.call('deploy');
    assert.is(deployed.code, bad.has(number) ? 4 : 0, deployed.stderr);
    if (!bad.has(number)) good = [number, ...good];
    const { code, document, stderr } = await prune(site);
    assert.equal([code, document.failed, document.notes], [0, [], []], stderr);
    const failed = [...bad].filter((one) => one <= number).slice(-2);
    const expected = [...good.slice(0, 4), ...failed].toSorted((a, b) => a - b);
    assert.equal(await namesOnDisk(site), ['current', ...ids(...expected)], `after build ${number}`);
  }
  await assertSound(site, buildId(12));
  for (const number of [8, 7]) {
    const back = await site.call('rollback');
    assert.equal([back.code, back.document.active], [0, buildId(number)], back.stderr);
    assert.is((await prune(site)).code, 0);
    await assertSound(site, buildId(number), back);
  }
  const named = await site.call('rollback', [buildId(5)]);
  assert.equal([named.code, named.document.active], [0, buildId(5)], named.stderr);
});

test('W3: what would be removed is told, and nothing is', async (t) => {
  const site = await siteWithOld(t, { count: 4, keep: 0 });
  const before = await namesOnDisk(site);
  const { code, document, stderr } = await prune(site, '--dry-run');
  assert.is(code, 0, stderr);
  assert.equal(await namesOnDisk(site), before);
  const { removed, kept, ...rest } = document;
  assert.equal(
    removed.map(({ kind, name, path, reason, size_bytes }) => [kind, name, path, reason, (size_bytes ?? 0) > 4096]),
    ids(1, 2, 3).map((id) => ['build', id, `${site.builds}/${id}`, 'good', true]),
  );
  assert.equal(kept, [
    { id: buildId(5), reason: 'current', by: [] },
    { id: buildId(4), reason: 'previous', by: [] },
  ]);
  const bytes = removed.reduce((sum, item) => sum + (item.size_bytes ?? 0), 0);
  assert.equal(rest, {
    target: 'production',
    dry_run: true,
    keep: 0,
    removed_bytes: bytes,
    failed: [],
    notes: [],
    unseen_processes: 0,
    exit_code: 0,
  });
  const { builds } = (await site.call<{ builds: BuildRow[] }>('builds')).document;
  assert.equal(removed[0]?.size_bytes, builds.find(({ id }) => id === buildId(1))?.size_bytes);
});

test('W3: people are told what goes, what stays and why, and when there is nothing to remove', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 1 });
  const first = await site.tell('prune', '--dry-run');
  assert.is(first.code, 0);
  assert.match(
    first.stdout,
    /^production: would remove 1 build \([\d.]+K\)\n  dist\.20260203-150001  good  [\d.]+K\nstays:\n/,
  );
  assert.match(first.stdout, /dist\.20260203-150004  in service\n/);
  assert.match(first.stdout, /dist\.20260203-150003  what a rollback goes to\n/);
  assert.match(first.stdout, /dist\.20260203-150002  keep = 1$/m);
  assert.match((await site.tell('prune')).stdout, /^production: removed 1 build \(/);
  assert.match((await site.tell('prune')).stdout, /^production: nothing to remove\nstays:/);
  assert.is((await site.tell('prune', '--quiet')).stdout, 'production: nothing to remove');
});

const users: [how: string, line: (build: string) => string][] = [
  ['cwd', (build) => `cd ${build}; echo there; exec sleep 300`],
  ['executable', (build) => `cp /bin/sleep ${build}/tool; cd /; echo there; exec ${build}/tool 300`],
  ['open', (build) => `cd /; exec 7>>${build}/app.log; echo there; exec sleep 300`],
  ['argument', (build) => `cd /; echo there; exec tail -q -F ${build}/nothing-there`],
];

for (const [how, line] of users) {
  test(`W3: a build that a process uses stays, and is named with pid and command: ${how}`, async (t) => {
    const site = await siteWithOld(t, { count: 3, keep: 0 });
    const script = `/srv/${site.app}/use.sh`;
    await writeFile(
      site.sandbox.hostPath(script),
      `echo $$ >/srv/${site.app}/pid; ${line(`${site.builds}/${buildId(1)}`)}`,
    );
    const child = await startInside(t, site, 'sh', '-e', script);
    const comm = `cat /proc/$(cat /srv/${site.app}/pid)/comm`;
    await until('it runs another program', async () => (await site.sandbox.run('sh', '-ec', comm)) !== 'sh');
    const { code, document, stderr } = await prune(site);
    assert.equal([code, document.exit_code], [0, 0], stderr);
    assert.equal(gone(document), ids(2));
    const { reason, by } = document.kept.find(({ id }) => id === buildId(1)) ?? { by: [] };
    assert.is(reason, 'used', JSON.stringify(document));
    const [user] = by;
    assert.is(user?.how, how);
    assert.match(user?.command ?? '', /sleep 300|tool 300|tail -q/);
    const running = await site.sandbox.exec(['cat', `/proc/${user?.pid}/comm`]);
    assert.match(running.stdout, /^(sleep|tool|tail)$/);
    const said = (await site.tell('prune', '--dry-run')).stdout;
    assert.match(said, new RegExp(`in use: pid ${user?.pid} \\(.*\\) .* ${site.builds}/${buildId(1)}`));
    child.kill('SIGKILL');
    await child.ended;
    assert.equal(gone((await prune(site)).document), ids(1));
  });
}

test('W3: the process of the unit keeps the build it runs, although current names another', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  await pointCurrent(site, buildId(2));
  const { document } = await prune(site);
  assert.is(whyKept(document, buildId(2)), 'current');
  assert.ok((await namesOnDisk(site)).includes(buildId(4)), 'the build that serves');
});

test('W3: something is mounted in an old build: it stays, with the way out, and the others go', async (t) => {
  const site = await siteWithOld(t, { count: 4, keep: 0 });
  const point = `${site.builds}/${buildId(2)}/uploads`;
  const precious = `/srv/${site.app}/precious`;
  for (const path of [point, precious]) await mkdir(site.sandbox.hostPath(path));
  await writeFile(site.sandbox.hostPath(`${precious}/picture`), 'yes');
  await site.sandbox.run('mount', '--bind', precious, point);
  t.cleanup(() => site.sandbox.exec(['umount', point]));
  const { document } = await prune(site);
  assert.equal(gone(document), ids(1, 3));
  assert.is(whyKept(document, buildId(2)), 'used');
  assert.match((await site.tell('prune')).stdout, `mounted at ${point} -> umount ${point}`);
  await site.sandbox.run('umount', point);
  assert.equal(gone((await prune(site)).document), ids(2));
  assert.is(await readFile(site.sandbox.hostPath(`${precious}/picture`), 'utf8'), 'yes');
});

test('S8: the state is lost: nothing that may be the way back goes until a way back is proven', async (t) => {
  const site = await siteWithOld(t, { count: 6, keep: 1 });
  await site.sandbox.run('rm', '-r', `/var/lib/cutover/${site.app}`);
  const first = await prune(site);
  assert.equal([first.code, gone(first.document), whyKept(first.document, buildId(1))], [0, [], 'no_way_back']);
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, buildId(6)], back.stderr);
  assert.equal(gone((await prune(site)).document), [], 'one proven build is no way back');
  const forward = await site.call('deploy');
  assert.equal([forward.code, forward.document.active], [0, buildId(7)], forward.stderr);
  const last = await prune(site);
  assert.equal(await namesOnDisk(site), ['current', ...ids(5, 6, 7)]);
  assert.is(whyKept(last.document, buildId(5)), 'place');
  await assertSound(site, buildId(7));
});

test('S8: the builds of a run in flight stay; without its ledger all do', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 100 });
  await site.configure({ keys: ['keep = 0'] });
  // The settle of the run before would take the mark for its own.
  await assertNothingLeft(site);
  const target = { ...(await inputsOf(site)), from: buildId(1), to: buildId(2), back: buildId(1) };
  const run = '29990101-000000-00aa';
  const ledger = site.sandbox.hostPath(`${site.state}/runs/${run}.jsonl`);
  await writeFile(ledger, `${JSON.stringify({ at: '', type: 'begin', inputs: target })}\n`);
  await writeFile(site.sandbox.hostPath(`${site.state}/in-flight`), JSON.stringify({ run, pid: 1 }));
  const named = (await prune(site, '--dry-run')).document;
  assert.equal([gone(named), whyKept(named, buildId(1)), whyKept(named, buildId(2))], [[], 'in_flight', 'in_flight']);
  await rm(ledger);
  const unknown = (await prune(site, '--dry-run')).document;
  assert.equal([gone(unknown), whyKept(unknown, buildId(3))], [[], 'in_flight']);
  assert.equal(gone((await prune(site)).document), ids(1, 2), 'a mark alone is cleared by whoever holds the target');
});

test('S8: a run that was cut off is ended first, and its builds are judged then', async (t) => {
  const site = await makeSite(t, { ...held, keys: ['keep = 0'] });
  await leaveBehind(site);
  const { code, document, stderr } = await prune(site);
  assert.equal([code, gone(document)], [0, []], stderr);
  await assertSound(site, buildId(1));
});

test('a run holds the target: exit 75 names it, and --wait waits', async (t) => {
  const site = await makeSite(t, { ...held, keys: ['keep = 0'] });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const refused = await site.call<Refusal>('prune');
  assert.equal([refused.code, refused.document.error?.code], [75, 'locked']);
  assert.match(refused.document.error.message, 'another run holds the target: deploy');
  const [waited] = await Promise.all([prune(site, '--wait=1min'), letGo(site)]);
  assert.equal([waited.code, gone(waited.document)], [0, []], waited.stderr);
  await assertSound(site, buildId(2), await run.end());
});

test('W3: current is missing, dangling, or leads elsewhere: no build goes', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  const before = (await namesOnDisk(site)).filter((name) => name !== 'current');
  await site.sandbox.run('rm', `${site.builds}/current`);
  for (const destination of [null, 'dist.20250101-000000', '/tmp', '.']) {
    if (destination !== null) await pointCurrent(site, destination);
    const { code, document, stderr } = await prune(site);
    assert.equal([code, gone(document), whyKept(document, buildId(1))], [0, [], 'no_current'], stderr);
    assert.equal(
      (await namesOnDisk(site)).filter((name) => name !== 'current'),
      before,
    );
  }
});

test('P5: evidence, ledgers and logs: the newest stay, those of others too, and what proves a build', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }], keys: ['keep = 5'] });
  await untilNextSecond();
  const failed = await site.call('deploy');
  assert.is(failed.code, 4);
  const paths = { runs: `${site.state}/runs`, evidence: `${site.state}/evidence`, logs: site.logs };
  const at = (name: keyof typeof paths, file = ''): string => site.sandbox.hostPath(join(paths[name], file));
  const [begun] = (await readFile(at('runs', `${failed.document.run}.jsonl`), 'utf8')).split('\n');
  for (let number = 0; number < 150; number += 1) {
    await writeFile(at('runs', `${stamp(number)}-00aa.jsonl`), begun ?? '');
    await writeFile(at('logs', `deployment-${site.unit}-${stamp(number)}.log`), 'old');
    await writeFile(at('logs', `deployment-${site.unit}x-${stamp(number)}.log`), "another unit's");
    if (number < 30) await mkdir(at('evidence', `${stamp(number)}-00aa`));
  }
  await writeFile(at('logs', `deployment-${site.unit}-${stamp(0)}-2.log`), 'the second of a second');
  for (const name of [`deployment-${site.unit}-${stamp(1)}.log.1.gz`, `deployment-${site.unit}-.log`, 'notes.txt'])
    await writeFile(at('logs', name), 'mine');
  const { code, document, stderr } = await prune(site);
  assert.is(code, 0, stderr);
  const count = (kind: string): number => document.removed.filter((item) => item.kind === kind).length;
  assert.equal([count('build'), count('evidence'), count('ledger'), count('log')], [0, 11, 31, 32]);
  const ledgers = await readdir(at('runs'));
  assert.ok(ledgers.includes(`${failed.document.run}.jsonl`) && ledgers.length === 121, `${ledgers.length}`);
  assert.is((await readdir(at('evidence'))).length, 20);
  const logs = await readdir(at('logs'));
  assert.is(logs.filter((name) => name.startsWith(`deployment-${site.unit}x-`)).length, 150);
  assert.ok(logs.includes('notes.txt') && logs.includes(`deployment-${site.unit}-${stamp(1)}.log.1.gz`));
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history', ['--limit', '1000'])).document;
  assert.is(runs.length, ledgers.length);
  assert.equal(gone((await prune(site)).document), []);
});

test('W3: the disk is full to the last byte: a prune makes room', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}, {}], keys: ['keep = 100'], isDeployed: false });
  const { sandbox, builds } = site;
  const small = `/srv/${site.app}/small`;
  const moved = `mkdir ${small}; mount -t tmpfs -o size=4M s ${small}; cp -a ${builds}/. ${small}; mount --bind ${small} ${builds}`;
  await sandbox.run('sh', '-ec', moved);
  t.cleanup(() => sandbox.exec(['umount', '-l', builds, small]));
  for (const id of ids(1, 2, 3, 4)) {
    await sandbox.run('sh', '-c', `head -c 300000 /dev/zero > ${builds}/${id}/ballast`);
    const { code, stderr } = await site.call('deploy', [id]);
    assert.is(code, 0, stderr);
  }
  await site.configure({ keys: ['keep = 0'] });
  await sandbox.exec(['sh', '-c', `cat /dev/zero > ${builds}/${buildId(4)}/filler`]);
  assert.match(await sandbox.run('df', '--output=avail', builds), /\n\s*0$/);
  const { code, document, stderr } = await prune(site);
  assert.equal([code, gone(document)], [0, ids(1, 2)], stderr);
  assert.ok((document.removed_bytes ?? 0) > 600_000);
});

test('W3: ten thousand builds: what goes is decided soon, and all of it is gone soon', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], keys: ['keep = 3'] });
  assert.is((await site.call('deploy')).code, 0);
  const line = `cd ${site.builds}; for h in 00 01 02; do for m in $(seq -w 0 59); do mkdir $(seq -f dist.20250101-$h$m%02g 0 59); done; done`;
  await site.sandbox.run('sh', '-ec', line);
  const count = 3 * 60 * 60;
  const timed = async (...words: string[]) => {
    const began = performance.now();
    const { code, document, stderr } = await prune(site, ...words);
    assert.is(code, 0, stderr);
    return { tookMs: performance.now() - began, gone: gone(document).length };
  };
  const told = await timed('--dry-run');
  const done = await timed();
  console.log(`${count} builds: decided in ${told.tookMs.toFixed(0)} ms, removed in ${done.tookMs.toFixed(0)} ms`);
  assert.equal([told.gone, done.gone], [count, count]);
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2)]);
  assert.ok(told.tookMs < 60_000, `${told.tookMs} ms`);
});

/** The time in the name of a run to come. */
function stamp(number: number): string {
  return `20990101-${String(number).padStart(6, '0')}`;
}

/** What the newest run began with. */
async function inputsOf({ sandbox, state }: Site): Promise<object> {
  const directory = sandbox.hostPath(`${state}/runs`);
  const [newest] = (await readdir(directory)).toSorted((a, b) => (a < b ? 1 : -1));
  const [line] = (await readFile(join(directory, newest ?? ''), 'utf8')).split('\n');
  return (JSON.parse(line ?? '') as { inputs: object }).inputs;
}
