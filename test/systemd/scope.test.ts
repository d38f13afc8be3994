// needs: sandbox
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../lib/base/exec.ts';
import { poll } from '../../lib/base/wait.ts';
import { scopeNames, takeScope } from '../../lib/systemd/scope.ts';
import { rejection } from '../builds/directory.ts';
import type { TestSandbox } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { runInside, systemdInside } from './inside.ts';

const test = suite('systemd/scope');
/** Writes its environment and its words, one a line, into a file. */
const record = (file: string, ...words: string[]) =>
  ['/bin/sh', '-c', '{ printf "%s\\n" "$@"; env; } >"$0.new" && mv "$0.new" "$0"', file, ...words] as const;

/** A process that does nothing, by its number inside. */
async function startIdle(t: TestContext, sandbox: TestSandbox): Promise<{ idle: StartedProcess; pid: number }> {
  const idle = await sandbox.spawn(['sh', '-c', 'echo $$; exec sleep infinity']);
  t.cleanup(() => idle.kill('SIGKILL'));
  const [line] = await once(idle.stdout, 'data');
  return { idle, pid: Number(String(line)) };
}

/** A scope around an idle process, armed with a service that leaves a file when it runs. */
async function takeTarget(t: TestContext, { target, hasMark = true }: { target: string; hasMark?: boolean }) {
  const { sandbox, systemd } = await systemdInside(t);
  const { idle, pid } = await startIdle(t, sandbox);
  const directory = `/var/lib/scope of ${target}`;
  await mkdir(sandbox.hostPath(directory), { recursive: true });
  // The service that the test's own end sets off may still be writing there.
  t.cleanup(() => rm(sandbox.hostPath(directory), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  const mark = `${directory}/in-flight`;
  if (hasMark) await writeFile(sandbox.hostPath(mark), '');
  const request = {
    app: 'shop',
    target,
    pid,
    afterwards: record(`${directory}/ran`, 'two words', '$HOME', '${HOME} 5 $$', '%n', ';', "it's"),
    condition: mark,
    environment: { PATH: '/usr/bin:/bin', NOTE: 'a "b" c' },
  };
  const names = scopeNames('shop', target);
  await takeScope(systemd, request);
  const ran = (): Promise<string | undefined> =>
    readFile(sandbox.hostPath(`${directory}/ran`), 'utf8').catch(() => undefined);
  const gone = (unit: string): Promise<boolean> =>
    poll({ everyMs: 5, signal: t.signal }, async () =>
      (await systemd.facts(unit)).loadState === 'not-found' ? true : undefined,
    );
  return { sandbox, systemd, idle, pid, mark, request, names, ran, gone };
}

test('S8: the process is in the scope when the call is over, and a second one is refused', async (t) => {
  const { systemd, pid, request, names, sandbox } = await takeTarget(t, { target: 'first' });
  assert.equal(await systemd.processes(names.scope), [pid]);
  const facts = await systemd.facts(names.scope);
  assert.equal([facts.activeState, facts.subState], ['active', 'running']);
  assert.is((await systemd.facts(names.settle)).activeState, 'inactive');
  const other = await startIdle(t, sandbox);
  const error = await rejection(takeScope(systemd, { ...request, pid: other.pid }));
  assert.is(error.code, 'unit_exists');
  assert.equal(await systemd.processes(names.scope), [pid]);
  await takeScope(systemd, { ...request, target: 'another', pid: other.pid });
  assert.equal(await systemd.processes(scopeNames('shop', 'another').scope), [other.pid]);
});

test('S8: after a SIGKILL the settle service runs, with its words and environment as they were given', async (t) => {
  const { sandbox, idle, request, names, ran, gone } = await takeTarget(t, { target: 'killed one' });
  const began = performance.now();
  idle.kill('SIGKILL');
  const text = await poll({ everyMs: 2, signal: t.signal }, ran);
  console.log(`the settle service ran ${(performance.now() - began).toFixed(0)} ms after the kill`);
  const lines = text.split('\n');
  assert.equal(lines.slice(0, 6), ['two words', '$HOME', '${HOME} 5 $$', '%n', ';', "it's"]);
  assert.ok(lines.includes('NOTE=a "b" c') && lines.includes('PATH=/usr/bin:/bin'), text);
  await gone(names.scope);
  await gone(names.settle);
  // Nothing of the name is left: the target can be taken again.
  const again = await startIdle(t, sandbox);
  const { systemd } = await systemdInside(t);
  await takeScope(systemd, { ...request, pid: again.pid });
});

test('S8: an orderly end with nothing in flight runs nothing', async (t) => {
  const { idle, names, ran, gone } = await takeTarget(t, { target: 'orderly', hasMark: false });
  idle.kill('SIGTERM');
  await gone(names.scope);
  await gone(names.settle);
  assert.is(await ran(), undefined);
});

test('S8: a mark that was removed in time runs nothing, even after a SIGKILL', async (t) => {
  const { sandbox, idle, mark, names, ran, gone } = await takeTarget(t, { target: 'cleared' });
  await rm(sandbox.hostPath(mark));
  idle.kill('SIGKILL');
  await gone(names.scope);
  await gone(names.settle);
  assert.is(await ran(), undefined);
});

test('S8: an orderly end that leaves its mark is settled as well', async (t) => {
  const { idle, ran } = await takeTarget(t, { target: 'forgetful' });
  idle.kill('SIGTERM');
  assert.ok(await poll({ everyMs: 2, signal: t.signal }, ran));
});

test('S8: a settle service that fails leaves its name free', async (t) => {
  const { sandbox, systemd, idle, request, gone } = await takeTarget(t, { target: 'unlucky' });
  const failing = { ...request, target: 'failing', afterwards: ['/bin/false'] as const };
  const { pid } = await startIdle(t, sandbox);
  await takeScope(systemd, { ...failing, pid });
  await sandbox.run('kill', '-9', String(pid));
  const names = scopeNames('shop', 'failing');
  await gone(names.scope);
  await gone(names.settle);
  const again = await startIdle(t, sandbox);
  await takeScope(systemd, { ...failing, pid: again.pid });
  idle.kill('SIGKILL');
});

test('S8: the manager of a plain user holds a scope as well, and has units of its own', async (t) => {
  const { sandbox } = await systemdInside(t);
  await sandbox.run('useradd', '--create-home', '--home-dir', '/srv/tester', 'tester');
  await sandbox.run('loginctl', 'enable-linger', 'tester');
  const uid = (await sandbox.run('id', '-u', 'tester')).trim();
  const bus = ['test', '-S', `/run/user/${uid}/bus`] as const;
  await poll({ everyMs: 20, signal: t.signal }, async () => (await sandbox.exec(bus)).code === 0 || undefined);
  const asked = `
    const { openSystemd } = await import(lib + '/systemd/systemd.ts');
    const { takeScope, scopeNames } = await import(lib + '/systemd/scope.ts');
    const systemd = await openSystemd('user');
    const request = { app: 'shop', target: 'x', pid: process.pid, afterwards: ['/bin/true'], condition: '/x', environment: {} };
    await takeScope(systemd, request);
    const processes = await systemd.processes(scopeNames('shop', 'x').scope);
    const second = await takeScope(systemd, request).then(() => 'taken', (error) => error.code);
    const { loadState } = await systemd.facts('systemd-journald.service');
    console.log(JSON.stringify({ isIn: processes.includes(process.pid), second, loadState }));
    process.exit(0);`;
  const asUser = [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${uid}`,
    '--clear-groups',
    'env',
    `XDG_RUNTIME_DIR=/run/user/${uid}`,
  ];
  assert.equal(await runInside(sandbox, asked, asUser), { isIn: true, second: 'unit_exists', loadState: 'not-found' });
});
