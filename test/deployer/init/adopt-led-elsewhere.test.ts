import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../../lib/base/exec.ts';
import { type Copying, copyIn, removeCopy, removeMade } from '../../../lib/deployer/init/adopt/copy.ts';
import { rejection } from '../../builds/directory.ts';
import { requireRoot } from '../../root.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init adopt led elsewhere');
const build = 'dist.20260203-151116';
const user = 54_321;
/** What the tools of the attack lie beside in PATH. */
const systemPath = process.env.PATH ?? '';

interface Site extends Copying {
  /** the service's user's own, and what it runs in, and the builds, lie there */
  home: string;
  /** what root alone may change */
  victim: string;
}

async function siteFor(t: TestContext): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-led-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const [home, victim] = [join(folder, 'home'), join(folder, 'victim')];
  const source = join(home, 'app');
  await mkdir(join(source, 'lib/cache'), { recursive: true });
  for (const name of ['app.mjs', 'lib/kept', 'lib/cache/now']) await writeFile(join(source, name), 'theirs');
  await mkdir(join(victim, build), { recursive: true });
  await writeFile(join(victim, build, 'file'), 'roots');
  await symlink(build, join(victim, 'current'));
  await exec(['chown', '-R', `${user}:${user}`, home], { timeoutMs: 30_000 });
  for (const path of [folder, home, victim]) await chmod(path, 0o755);
  const shared = [join(source, 'lib/cache')];
  return { home, victim, source, builds: join(home, 'builds'), build, shared, signal: t.signal };
}

/**
 * Has the service's user do something at the moment at which root starts a program: the worst that a process could be lucky with
 * that tries it all the time.
 */
async function atStartOf(t: TestContext, program: 'cp' | 'sync', { home }: Site, script: string): Promise<void> {
  const tools = await mkdtemp(join(tmpdir(), 'cutover-tools-'));
  await chmod(tools, 0o755);
  const attack = `setpriv --reuid=${user} --regid=${user} --clear-groups sh -c '${script}' >>${tools}/log 2>&1`;
  const text = `#!/bin/sh\nPATH='${systemPath}'\n(cd ${home}; ${attack})\nexec ${program} "$@"\n`;
  await writeFile(join(tools, program), text, { mode: 0o755 });
  process.env.PATH = `${tools}:${systemPath}`;
  t.cleanup(async () => {
    process.env.PATH = systemPath;
    await rm(tools, { recursive: true, force: true });
  });
}

async function treeOf(path: string): Promise<string> {
  const look = ['find', path, '-printf', '%P %y %m %u %g %s %l\n'] as const;
  return (await exec([...look], { timeoutMs: 30_000 })).stdout.split('\n').toSorted().join('\n');
}

/** Puts a link to the victim in the place of the innermost directory in the builds that the user may rename, once. */
const swap = (victim: string): string =>
  `[ -e done ] || find builds -mindepth 1 -depth -type d | while read d; do mv "$d" "$d.away" && ln -s ${victim} "$d" && touch done && break; done`;

for (const program of ['cp', 'sync'] as const) {
  test(`no link in new builds leads root elsewhere, put there at ${program}; the copy is as ever`, async (t) => {
    requireRoot();
    const site = await siteFor(t);
    const { victim, builds } = site;
    const before = await treeOf(victim);
    await atStartOf(t, program, site, swap(victim));
    await copyIn(site);
    assert.is(await treeOf(victim), before);
    assert.is(await readFile(join(builds, 'current/app.mjs'), 'utf8'), 'theirs');
    assert.is(await readFile(join(builds, 'current/lib/cache/now'), 'utf8'), 'theirs');
    for (const path of ['', build, `${build}/lib`, `${build}/lib/kept`])
      assert.is((await stat(join(builds, path))).uid, user, path);
  });

  test(`no link in builds that are the user's own leads root elsewhere, put there at ${program}`, async (t) => {
    requireRoot();
    const site = await siteFor(t);
    const { victim, builds } = site;
    await mkdir(builds);
    await chown(builds, user, user);
    const before = await treeOf(victim);
    await atStartOf(t, program, site, swap(victim));
    const problem = await copyIn(site).then(
      () => 'none',
      (error: unknown) => String(error),
    );
    assert.is(await treeOf(victim), before);
    assert.match(problem, 'somebody else has put something in the place of');
    await removeCopy(site);
    assert.is(await treeOf(victim), before);
  });

  test(`no link in the place of the builds leads root elsewhere, put there at ${program}`, async (t) => {
    requireRoot();
    const site = await siteFor(t);
    const { victim, builds } = site;
    const before = await treeOf(victim);
    await atStartOf(t, program, site, `[ -L builds ] || { mv builds away && ln -s ${victim} builds; }`);
    await copyIn(site).catch(() => {});
    assert.is(await treeOf(victim), before);
    assert.match((await rejection(removeCopy(site))).message, `${builds} is no directory, or a link`);
    await rejection(removeMade([builds, join(builds, 'more')]));
    assert.is(await treeOf(victim), before);
  });
}

test('while it is copied, nobody but root may enter the copy, nor new builds', async (t) => {
  requireRoot();
  const site = await siteFor(t);
  const seen = join(site.home, 'seen');
  await atStartOf(t, 'cp', site, `ls builds >${seen} 2>&1; [ -w builds ] && echo open >>${seen}`);
  await copyIn(site);
  assert.match(await readFile(seen, 'utf8'), /^ls: .*Permission denied\n$/);
});

test('a link in the place of the source is not followed: nothing that root alone may read is in a build', async (t) => {
  requireRoot();
  const site = await siteFor(t);
  await rm(site.source, { recursive: true });
  await symlink(site.victim, site.source);
  await chown(site.home, user, user);
  assert.match((await rejection(copyIn(site))).message, `${site.source} is no directory, or a link`);
  assert.equal((await readdir(site.home)).toSorted(), ['app']);
});

test('builds that root itself has put a link for are used where they are', async (t) => {
  requireRoot();
  const site = await siteFor(t);
  const builds = join(site.victim, '../builds');
  await mkdir(join(site.victim, '../real'));
  await symlink('real', builds);
  await copyIn({ ...site, builds });
  assert.is(await readFile(join(builds, 'current/app.mjs'), 'utf8'), 'theirs');
  await removeCopy({ ...site, builds });
  assert.equal(await readdir(builds), []);
});
