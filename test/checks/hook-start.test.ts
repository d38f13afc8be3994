import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { askHooks, requireHookUsers } from '../../lib/checks/hook-start.ts';
import { directConfig } from '../../lib/config/direct.ts';
import type { HookConfig, HookName, TargetConfig } from '../../lib/config/model.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('checks/hook-start');

function targetWith(builds: string, hooks: Partial<Record<HookName, Partial<HookConfig>[]>>): TargetConfig {
  const [target] = Object.values(
    directConfig({ unit: 'shop.service', builds, ports: [9000], manager: 'system' }).targets,
  );
  const usual: HookConfig = { run: { shell: 'true' }, timeoutMs: 1000, dir: null, user: null, fallback: null };
  const whole = Object.entries(hooks).map(([name, list]) => [name, list.map((hook) => ({ ...usual, ...hook }))]);
  return { ...(target as TargetConfig), name: 'production', hooks: Object.fromEntries(whole) as TargetConfig['hooks'] };
}

test('P1: tells what keeps a hook from being started, where it is configured, and what to type', async (t) => {
  const builds = await makeDirectory(t);
  const build = join(builds, 'dist.20260203-151116');
  await mkdir(build);
  await writeFile(join(build, 'plain.sh'), '#!/bin/sh\n');
  await writeFile(join(build, 'good.sh'), '#!/bin/sh\n');
  await chmod(join(build, 'good.sh'), 0o755);
  const rows: [hook: Partial<HookConfig>, observed: string | null, mend?: string][] = [
    [{ run: { shell: './good.sh --all && true' } }, null],
    [{ run: { command: ['./good.sh'] } }, null],
    [{ run: { command: ['sh', '-c', 'true'] } }, null],
    [{ run: { shell: 'cd nowhere && ./not-there.sh' } }, null],
    [{ run: { shell: '$HOME/x.sh' } }, null],
    [{ run: { shell: './plain.sh' } }, `${build}/plain.sh is not executable`, `chmod +x ${build}/plain.sh`],
    [{ run: { shell: './none.sh;true' } }, null],
    [{ run: { shell: './none.sh && true' } }, `there is no file ${build}/none.sh`],
    [{ run: { command: ['no-such-program'] } }, 'there is no no-such-program in', 'command -v no-such-program'],
    [{ run: { command: [build] } }, `${build} is a directory`],
    [{ fallback: { command: ['./none.sh'] } }, `there is no file ${build}/none.sh`],
    [{ dir: join(builds, 'none') }, `there is no directory ${builds}/none`, `mkdir -p ${builds}/none`],
    [{ user: 'nobody-of-that-name' }, 'there is no user nobody-of-that-name', 'useradd'],
  ];
  for (const [hook, observed, mend] of rows) {
    const answer = await askHooks(targetWith(builds, { migrate: [{}, hook] }), {
      build: 'dist.20260203-151116',
      isBeforeStages: true,
    });
    const text = JSON.stringify(hook);
    assert.is(answer.status, observed === null ? 'pass' : 'fail', `${text}: ${answer.observed}`);
    if (observed === null) continue;
    assert.match(answer.observed, `targets.production.hooks.migrate: ${observed}`);
    if (mend !== undefined) assert.match(answer.mend ?? '', mend);
  }
});

test('P1: what tells of an outcome is only a warning, and the stages are asked of before they are over', async (t) => {
  const builds = await makeDirectory(t);
  const wrong = [{ run: { command: ['no-such-program'] } }] as [Partial<HookConfig>];
  const ask = async (name: HookName, isBeforeStages: boolean) =>
    (await askHooks(targetWith(builds, { [name]: wrong }), { build: null, isBeforeStages })).status;
  assert.equal([await ask('deployed', false), await ask('failed', true)], ['warn', 'warn']);
  assert.equal([await ask('test', true), await ask('test', false)], ['fail', 'pass']);
  assert.equal([await ask('smoke', true), await ask('migrate', false)], ['fail', 'fail']);
});

const askBefore = (target: TargetConfig): ReturnType<typeof askHooks> =>
  askHooks(target, { build: null, isBeforeStages: true });

test('P1, P2: what a push brings along need not be there before it', async (t) => {
  const builds = await makeDirectory(t);
  const hooks = { test: [{ run: { shell: './test.sh' } }], build: [{ run: { command: ['./build.sh'] as [string] } }] };
  const pushed = { ...targetWith(builds, hooks), branch: 'main' };
  const answer = await askBefore(pushed);
  assert.is(answer.status, 'warn', answer.observed);
  assert.match(answer.observed, `hooks.test: there is no file ${builds}/test.sh, where a deploy by hand would run it`);
  assert.match(answer.observed, 'a push to main runs it where its commit is checked out');
  assert.is((await askBefore({ ...pushed, branch: '' })).status, 'fail', 'no push comes');
  const others: Partial<HookConfig>[] = [
    { run: { shell: './test.sh' }, dir: builds },
    { run: { command: ['no-such-program'] } },
    { run: { shell: '/no/such/file' } },
    { run: { shell: './test.sh' }, user: 'nobody-of-that-name' },
  ];
  for (const hook of others)
    assert.is(
      (await askBefore({ ...targetWith(builds, { test: [hook] }), branch: 'main' })).status,
      'fail',
      JSON.stringify(hook),
    );
  const fetch = { ...targetWith(builds, { fetch: [{ run: { shell: './fetch.sh' } }] }), branch: 'main' };
  assert.is((await askBefore(fetch)).status, 'fail', 'after a push it runs beside the builds, too');
});

test('P1: a hook of another user needs root', async (t) => {
  const target = targetWith(await makeDirectory(t), { test: [{ user: 'root' }], failed: [{ user: 'root' }] });
  await requireHookUsers(target, ['test']);
  const asPlain = async (names: HookName[]): Promise<unknown> => {
    process.seteuid?.(65_534);
    return requireHookUsers(target, names).finally(() => process.seteuid?.(0));
  };
  const error = await rejection(asPlain(['test']));
  assert.is(error.code, 'permission');
  assert.match(error.message, 'targets.production.hooks.test: only root may run a hook as root');
  await asPlain(['smoke']);
});
