import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../../lib/base/exec.ts';
import { parseConfig } from '../../../lib/config/parse.ts';
import { initGit } from '../../../lib/deployer/init/git.ts';
import type { InitReport } from '../../../lib/deployer/init/report.ts';
import { requireRoot } from '../../root.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init/git led elsewhere');
const user = 54_321;
const systemPath = process.env.PATH ?? '';

interface Site {
  repository: string;
  /** what root alone may change */
  victim: string;
  /** @param when words of git after which the script is run, in the repository */
  init: (when: string, script: string) => Promise<InitReport>;
}

async function siteFor(t: TestContext): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-led-'));
  t.cleanup(async () => {
    process.env.PATH = systemPath;
    await rm(folder, { recursive: true, force: true });
  });
  const [repository, victim, tools] = ['repository', 'victim', 'tools'].map((name) => join(folder, name));
  if (!repository || !victim || !tools) throw new Error('no places');
  for (const path of [victim, tools]) await mkdir(path);
  await chmod(folder, 0o755);
  await writeFile(join(victim, 'config'), '[core]\n\trepositoryformatversion = 0\n');
  await exec(['git', 'init', '--quiet', '--initial-branch=main', repository], { timeoutMs: 30_000 });
  await exec(['chown', '-R', `${user}:${user}`, repository], { timeoutMs: 30_000 });
  const config = parseConfig(
    { app: 'shop', targets: { live: { unit: 'live', builds: '/srv/live', branch: 'main' } } },
    null,
  );
  const targets = Object.values(config.targets);
  const how = { path: repository, targets, only: null, isDryRun: false, signal: t.signal, onFile: () => {} };
  const init = async (when: string, script: string): Promise<InitReport> => {
    const text = `#!/bin/sh\nPATH='${systemPath}'\ngit "$@"\ncode=$?\ncase "$*" in *'${when}') cd ${repository}/.git; ${script} ;; esac\nexit $code\n`;
    await writeFile(join(tools, 'git'), text, { mode: 0o755 });
    process.env.PATH = `${tools}:${systemPath}`;
    return initGit({ ...how, command: ['/bin/sh', 'cutover'] });
  };
  return { repository, victim, init };
}

test('P8: a link that comes in the place of the hooks leads root nowhere else', async (t) => {
  requireRoot();
  const { victim, init } = await siteFor(t);
  const swap = `[ -L hooks ] || { mv hooks away; ln -s ${victim} hooks; }`;
  const problem = await init('--git-path hooks', swap).then(
    () => 'none',
    (error: unknown) => String(error),
  );
  assert.equal(await readdir(victim), ['config']);
  assert.match(problem, 'hooks is no directory, or a link');
});

test('P8: a link that comes in the place of the settings leads root nowhere else', async (t) => {
  requireRoot();
  const { victim, init } = await siteFor(t);
  const file = join(victim, 'config');
  const [text, before] = [await readFile(file, 'utf8'), await stat(file)];
  await init('--get receive.denyCurrentBranch', `ln -sf ${file} config`).catch(() => {});
  const after = await stat(file);
  assert.equal([await readFile(file, 'utf8'), after.uid, after.ino], [text, before.uid, before.ino]);
});

test('P8: what is set in the repository of another user is his, and root reads no settings of its own for it', async (t) => {
  requireRoot();
  const { repository, init } = await siteFor(t);
  await init('never', 'true');
  for (const name of ['config', 'hooks/post-receive'])
    assert.is((await stat(join(repository, '.git', name))).uid, user, name);
  assert.match(await readFile(join(repository, '.git/config'), 'utf8'), 'denyCurrentBranch = updateInstead');
});

test('P8: a hook of ours that does not belong to the owner any more is written anew', async (t) => {
  requireRoot();
  const { repository, init } = await siteFor(t);
  const hook = join(repository, '.git/hooks/post-receive');
  await init('never', 'true');
  await exec(['chown', 'root:root', hook], { timeoutMs: 30_000 });
  assert.is((await init('never', 'true')).files[0]?.status, 'written');
  assert.is((await stat(hook)).uid, user);
});
