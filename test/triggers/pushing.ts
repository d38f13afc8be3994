import { copyFile, readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { ExecResult, StartedProcess } from '../../lib/base/exec.ts';
import { configureHooks, type Hooks } from '../deploy/hooking.ts';
import { makeSite, type Site, type SiteOptions } from '../deploy/site.ts';
import { appFile, type Behaviour } from '../services/builds.ts';
import type { TestContext } from '../suite.ts';

/** A site with a repository on its machine, and a clone where somebody works. */
export interface PushSite extends Site {
  readonly repository: string;
  readonly clone: string;
  /** Commits a build to the branch that is checked out, and gives the commit's name. */
  commit(behaviour: Behaviour, files?: Record<string, string>): Promise<string>;
  /** Runs git in the clone, and fails the test unless it succeeds. */
  git(...words: string[]): Promise<string>;
  /** Pushes; what the pusher sees is on `stderr`. */
  push(...words: string[]): Promise<ExecResult>;
  startPush(...words: string[]): Promise<StartedProcess>;
}

const person = ['-c', 'user.name=someone', '-c', 'user.email=someone@example.org'] as const;

/** A site without any build, and a repository that `cutover init --git` has made or taken. */
export async function pushSite(
  t: TestContext,
  { hooks = {}, keys = [], bare = true, ...options }: SiteOptions & { hooks?: Hooks; bare?: boolean } = {},
): Promise<PushSite> {
  const site = await makeSite(t, { ...options, builds: [], isDeployed: false });
  await configureHooks(site, hooks, keys);
  const { sandbox, folder, config } = site;
  await options.user?.own();
  const [repository, clone] = [`${folder}/repo${bare ? '.git' : ''}`, `${folder}/clone`];
  if (!bare) await sandbox.run('git', 'init', '--quiet', '--initial-branch=main', repository);
  const made = await sandbox.cutover(['init', '--git', repository, '--config', config]);
  assert.is(made.code, 0, made.stderr + made.stdout);
  await sandbox.run('git', 'init', '--quiet', '--initial-branch=main', clone);
  const git = (...words: string[]): Promise<string> => sandbox.run('git', '-C', clone, ...person, ...words);
  await git('remote', 'add', 'production', repository);
  await copyFile(appFile, sandbox.hostPath(`${clone}/app.mjs`));
  await options.user?.own();
  const pushed = (words: string[]) => ['git', '-C', clone, 'push', 'production', ...words] as const;
  return {
    ...site,
    repository,
    clone,
    async commit(behaviour, files = {}) {
      const all = { 'behaviour.json': JSON.stringify(behaviour), ...files };
      for (const [name, text] of Object.entries(all)) await writeFile(sandbox.hostPath(`${clone}/${name}`), text);
      await options.user?.own();
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '--message', JSON.stringify(behaviour));
      return git('rev-parse', 'HEAD');
    },
    git,
    push: (...words) => sandbox.exec(pushed(words.length > 0 ? words : ['main']), { timeoutMs: 60_000 }),
    startPush: (...words) => sandbox.spawn(pushed(words.length > 0 ? words : ['main'])),
  };
}

/** What the pusher saw, without the "remote: " that git puts before each line. */
export function seenBy({ stderr }: Pick<ExecResult, 'stderr'>): string {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('remote: '))
    .map((line) => line.slice('remote: '.length).trimEnd())
    .join('\n');
}

/** Two sites as two targets of one configuration, the second one as `staging`; pushes go to the repository of the first. */
export async function twoTargets(
  first: PushSite,
  second: Site,
  branches: { production: string; staging: string },
): Promise<void> {
  const [own, other] = await Promise.all(
    [first, second].map(({ sandbox, config }) => readFile(sandbox.hostPath(config), 'utf8')),
  );
  const bound = (text: string, name: 'production' | 'staging'): string =>
    text
      .replaceAll('[targets.production', `[targets.${name}`)
      .replace(`[targets.${name}]\n`, `[targets.${name}]\nbranch = "${branches[name]}"\n`);
  const [head = '', ...rest] = (own ?? '').split('[targets.production]\n');
  const staging = (other ?? '').slice((other ?? '').indexOf('[targets.production]'));
  const text = `${head}${bound(staging, 'staging')}${bound(`[targets.production]\n${rest.join('')}`, 'production')}`;
  await writeFile(first.sandbox.hostPath(first.config), text);
}
