// needs: sandbox
// deadline: 10min
import { readdirSync } from 'node:fs';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { KeptBuild, PruneReport } from '../../lib/deployer/prune-report.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { gone, ids, namesOnDisk, prune, siteWithOld, whyKept } from './pruning.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/prune killed', { timeoutMs: 300_000 });
const filesInside = 400;
const rounds = 40;
const isRest = /\.[0-9a-f]{8}$/;

/** Adds old builds, large enough for their removal to take its time. */
async function addOld({ sandbox, builds }: Site, count: number): Promise<void> {
  batches += 1;
  const stamps = Array.from({ length: count }, (_, at) => String(batches * 100 + at).padStart(6, '0'));
  const line = `for s in ${stamps.join(' ')}; do d=${builds}/.new; mkdir -p $d/deep/er
    seq ${filesInside} | sed "s|^|$d/deep/er/|" | xargs touch; mv $d ${builds}/dist.20250101-$s; done`;
  await sandbox.run('sh', '-ec', line);
}

let batches = 0;

/** A build that has its name has all its files; what is not whole has another name. */
async function assertWhole(site: Site): Promise<void> {
  for (const name of await namesOnDisk(site)) {
    if (name === 'current') continue;
    const id = /dist\.\d{8}-\d{6}/.exec(name)?.[0] ?? '';
    assert.match(name, /^(\.removing\.)?dist\.\d{8}-\d{6}(\.[0-9a-f]{8})?$/);
    if (!id.startsWith('dist.2025') || isRest.test(name)) continue;
    const files = await readdir(site.sandbox.hostPath(`${site.builds}/${name}/deep/er`));
    assert.is(files.length, filesInside, `${name} is not whole`);
  }
}

async function untilAside(site: Site, isOver: () => boolean): Promise<void> {
  const isAside = async (): Promise<boolean> => (await namesOnDisk(site)).some((name) => name.startsWith('.'));
  await until('builds are out of reach', async () => isOver() || (await isAside()));
}

/** Waits without a pause for such a name that was not there before: each is there for some milliseconds only. */
async function spinUntil(names: RegExp, { sandbox, builds }: Site, isOver: () => boolean): Promise<void> {
  const directory = sandbox.hostPath(builds);
  const before = new Set(readdirSync(directory));
  while (!isOver() && !readdirSync(directory).some((name) => names.test(name) && !before.has(name))) await nextTurn();
}

/** When a round kills: so long after the start, or after builds were out of reach, or after their removal began. */
function momentOf(round: number): { names?: RegExp; pauseMs: number } {
  if (round >= rounds) return { names: isRest, pauseMs: 0 };
  // Sooner than that the command is not there yet, and who is killed is the one that starts it.
  if (round % 2 === 0) return { pauseMs: 60 + round * 12 };
  return { names: round % 4 === 1 ? /^\.removing\./ : isRest, pauseMs: (round - 1) * 2 };
}

/** What a killed prune has left: whole builds out of reach, rests, or nothing. */
async function kindsLeft(site: Site): Promise<Set<string>> {
  const left = (await namesOnDisk(site)).filter((name) => name.startsWith('.removing.'));
  return new Set(left.length === 0 ? ['nothing'] : left.map((name) => (isRest.test(name) ? 'rest' : 'whole')));
}

async function assertSafe(site: Site, last: string, before: string): Promise<void> {
  await assertWhole(site);
  const names = await namesOnDisk(site);
  assert.ok(names.includes(last) && names.includes(before), names.join());
  assert.is(await readlink(site.sandbox.hostPath(`${site.builds}/current`)), last);
}

test('W3, S8: killed at any moment and run again: what stays is whole, and nothing is left in the end', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], keys: ['keep = 0'] });
  assert.is((await site.call('deploy')).code, 0);
  const [last, before] = [buildId(2), buildId(1)];
  const found: Record<string, number> = {};
  // This process may stand still until a removal is over: so it goes on until it was quick enough once.
  for (let round = 0; round < rounds || !found.rest; round += 1) {
    t.signal.throwIfAborted();
    if ((await namesOnDisk(site)).length < 12) await addOld(site, 20);
    const child = await site.sandbox.startCutover(['prune', 'production', '--config', site.config]);
    child.stdout.resume();
    child.stderr.resume();
    let isOver = false;
    void child.ended.then(() => (isOver = true));
    const { names, pauseMs } = momentOf(round);
    if (names) await spinUntil(names, site, () => isOver);
    if (pauseMs > 0) await sleep(pauseMs);
    child.kill('SIGKILL');
    await child.ended;
    await assertSafe(site, last, before);
    for (const kind of await kindsLeft(site)) found[kind] = (found[kind] ?? 0) + 1;
    const { document } = await prune(site, '--dry-run');
    assert.ok([last, before].every((id) => whyKept(document, id) !== undefined));
  }
  console.log(`found after a kill: ${JSON.stringify(found)}`);
  assert.ok(found.rest, 'killed in the middle of a removal');
  const { code, stderr } = await prune(site);
  assert.is(code, 0, stderr);
  assert.equal(await namesOnDisk(site), ['current', before, last]);
  await assertSound(site, last);
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, before], back.stderr);
});

test('W3: stopped by a person in the middle: exit 130, nothing is half removed under its name', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], keys: ['keep = 0'] });
  assert.is((await site.call('deploy')).code, 0);
  let code: number | null = 0;
  // One that was over before the signal came has removed all of them: so it goes on until the signal came in time.
  while (code === 0) {
    t.signal.throwIfAborted();
    await addOld(site, 20);
    const child = await site.sandbox.startCutover(['prune', 'production', '--config', site.config]);
    child.stdout.resume();
    child.stderr.resume();
    let isOver = false;
    void child.ended.then(() => (isOver = true));
    await untilAside(site, () => isOver);
    child.kill('SIGINT');
    code = (await child.ended).code;
    await assertSafe(site, buildId(2), buildId(1));
  }
  assert.is(code, 130);
  assert.is((await prune(site)).code, 0);
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2)]);
});

test('W3: power is cut after builds were taken out of reach: they are put back, and judged anew', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 5 });
  const { sandbox, builds } = site;
  for (const id of ids(1, 2)) await sandbox.run('mv', `${builds}/${id}`, `${builds}/.removing.${id}`);
  await sandbox.run('mkdir', `${builds}/.removing.dist.20250101-000000.0123abcd`);
  const told = await prune(site, '--dry-run');
  assert.equal(
    told.document.removed.map(({ kind }) => kind),
    ['rest'],
  );
  assert.match(told.document.notes[0]?.message ?? '', 'was cut off');
  const { code, document, stderr } = await prune(site);
  assert.equal([code, gone(document)], [0, []], stderr);
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2, 3, 4)]);
  await assertSound(site, buildId(4));
});

/** A prune in its two halves, and between them processes that nobody saw when it was decided. */
const inHalves = (site: Site): string => `
  import { spawn } from 'node:child_process';
  import { once } from 'node:events';
  import { placeFor } from '${repository}/lib/cli/place.ts';
  import { carryOutVerdict, judgeBuilds } from '${repository}/lib/deployer/prune-builds.ts';
  import { readKnowledge } from '${repository}/lib/deployer/prune-known.ts';
  import { emptyReport } from '${repository}/lib/deployer/prune-report.ts';
  import { plainColours } from '${repository}/lib/report/plain.ts';
  const tell = () => {};
  const terminal = { print: tell, tell, complain: tell, colours: plainColours, isLive: false, env: process.env, cwd: '/' };
  const place = await placeFor('production', { config: '${site.config}' }, terminal);
  const report = emptyReport(place.target, false);
  const known = await readKnowledge(place);
  const verdict = await judgeBuilds(place, known, report);
  const path = (id) => '${site.builds}/' + id;
  const intruders = [
    spawn('sleep', ['60'], { cwd: path('${buildId(1)}') }),
    spawn('sleep', ['60'], { cwd: '/', argv0: path('${buildId(2)}') + '/worker.js' }),
  ];
  await Promise.all(intruders.map((child) => once(child, 'spawn')));
  const { go, kept } = await carryOutVerdict(place, known, { verdict, report });
  const pids = intruders.map((child) => child.pid);
  for (const child of intruders) child.kill('SIGKILL');
  process.stdout.write(JSON.stringify({ decided: verdict.go.map(({ name }) => name), go: go.map(({ name }) => name), kept, pids, report }));
  process.exit(0);
`;

test('W3: a process that comes between the decision and the removal keeps its build', async (t) => {
  const site = await siteWithOld(t, { count: 4, keep: 0 });
  const script = `/srv/${site.app}/halves.mjs`;
  await writeFile(site.sandbox.hostPath(script), inHalves(site));
  const node = [process.execPath, '--import', `${repository}/node_modules/tsx/dist/esm/index.mjs`] as const;
  const { decided, go, kept, pids, report } = JSON.parse(await site.sandbox.run(...node, script)) as {
    decided: string[];
    go: string[];
    kept: KeptBuild[];
    pids: number[];
    report: PruneReport;
  };
  assert.equal([decided, go, report.failed], [ids(1, 2, 3), ids(3), []]);
  const used = kept.filter(({ reason }) => reason === 'used').toReversed();
  assert.equal(
    used.map(({ id, by }) => [id, by[0]?.pid, by[0]?.how, by[0]?.path]),
    [
      [buildId(1), pids[0], 'cwd', `${site.builds}/${buildId(1)}`],
      [buildId(2), pids[1], 'argument', `${site.builds}/${buildId(2)}/worker.js`],
    ],
  );
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2, 4, 5)]);
});

test('W3: current is moved between the decision and the removal: every build is back', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  const script = `/srv/${site.app}/halves.mjs`;
  const moved = `await import('node:fs').then((fs) => { fs.rmSync(path('current')); fs.symlinkSync('${buildId(2)}', path('current')); });`;
  const code = inHalves(site).replace('const { go, kept } =', `${moved}\n  const { go, kept } =`);
  await writeFile(site.sandbox.hostPath(script), code);
  const node = [process.execPath, '--import', `${repository}/node_modules/tsx/dist/esm/index.mjs`] as const;
  const { go, report } = JSON.parse(await site.sandbox.run(...node, script)) as { go: string[]; report: PruneReport };
  assert.equal([go, report.exit_code], [[], 1]);
  assert.match(report.failed[0]?.message ?? '', 'current was moved to no build meanwhile');
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 2, 3, 4)]);
});
