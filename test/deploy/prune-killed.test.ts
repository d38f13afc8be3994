// needs: sandbox
// deadline: 10min
import { readdirSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { gone, ids, namesOnDisk, prune, startInside, siteWithOld, whyKept } from './pruning.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/prune killed', { timeoutMs: 300_000 });
const filesInside = 400;

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
    if (!id.startsWith('dist.2025') || /\.[0-9a-f]{8}$/.test(name)) continue;
    const files = await readdir(site.sandbox.hostPath(`${site.builds}/${name}/deep/er`));
    assert.is(files.length, filesInside, `${name} is not whole`);
  }
}

async function untilAside(site: Site): Promise<void> {
  await until('builds are out of reach', async () => (await namesOnDisk(site)).some((name) => name.startsWith('.')));
}

/** The same without a pause: builds are out of reach for some milliseconds only before their removal begins. */
function spinUntilAside({ sandbox, builds }: Site): void {
  const deadline = performance.now() + 10_000;
  while (!readdirSync(sandbox.hostPath(builds)).some((name) => name.startsWith('.'))) {
    if (performance.now() > deadline) throw new Error('nothing was taken out of reach');
  }
}

/** What a killed prune has left: whole builds out of reach, rests, or nothing. */
async function kindsLeft(site: Site): Promise<Set<string>> {
  const left = (await namesOnDisk(site)).filter((name) => name.startsWith('.removing.'));
  return new Set(
    left.length === 0 ? ['nothing'] : left.map((name) => (/\.[0-9a-f]{8}$/.test(name) ? 'rest' : 'whole')),
  );
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
  for (let round = 0; round < 40; round += 1) {
    if ((await namesOnDisk(site)).length < 12) await addOld(site, 20);
    const child = await site.sandbox.startCutover(['prune', 'production', '--config', site.config]);
    child.stdout.resume();
    child.stderr.resume();
    if (round % 2) spinUntilAside(site);
    const pauseMs = round % 2 ? (round - 1) * 2 : round * 12;
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
  await addOld(site, 20);
  const child = await site.sandbox.startCutover(['prune', 'production', '--config', site.config]);
  child.stdout.resume();
  child.stderr.resume();
  await untilAside(site);
  child.kill('SIGINT');
  const { code } = await child.ended;
  assert.ok(code === 130 || code === 0, String(code));
  await assertSafe(site, buildId(2), buildId(1));
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

/** Node, turning round until a build is out of reach, and then in it: a process that nobody saw at the first look. */
const intruder = (builds: string, id: string): string => `
  console.log('there');
  for (;;) try { process.chdir('${builds}/.removing.${id}'); break; } catch {}
  setInterval(() => {}, 1000);
`;

test('W3: a process that comes between the decision and the removal keeps its build', async (t) => {
  const site = await siteWithOld(t, { count: 3, keep: 0 });
  // Its path is in no argument, so at the first look it is nobody.
  const script = `/srv/${site.app}/intruder.mjs`;
  await site.sandbox.exec(['tee', script], { input: intruder(site.builds, buildId(1)) });
  await startInside(t, site, process.execPath, script);
  const { code, document, stderr } = await prune(site);
  assert.equal([code, gone(document), whyKept(document, buildId(1))], [0, ids(2), 'used'], stderr);
  const [user] = document.kept.find(({ id }) => id === buildId(1))?.by ?? [];
  assert.equal([user?.how, user?.path], ['cwd', `${site.builds}/${buildId(1)}`]);
  assert.match(user?.command ?? '', 'intruder.mjs');
  assert.equal(await namesOnDisk(site), ['current', ...ids(1, 3, 4)]);
});
