// needs: sandbox
// runs: alone
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type { DemoDocument } from '../../lib/demo/document.ts';
import { plainUser, type PlainUser } from '../deploy/plain-user.ts';
import { executable, until } from '../deploy/site.ts';
import { suite } from '../suite.ts';

const test = suite('demo without root', { timeoutMs: 240_000 });

test('ends every act as it should in the manager of the user, and leaves nothing behind', async () => {
  const user = await plainUser();
  const before = await seen(user);
  const { code, stdout, stderr } = await user.sandbox.cutover(['demo', '--json'], { timeoutMs: 200_000 });
  assert.is(code, 0, stderr);
  const { acts, side_by_side, as_expected } = JSON.parse(stdout) as DemoDocument;
  assert.ok(as_expected);
  assert.equal(
    acts.map(({ outcome, exit_code }) => `${outcome} ${exit_code}`),
    ['deployed 0', 'deployed 0', 'rolled_back 4', 'rolled_back 4', 'failed 3', 'deployed 0', 'deployed 0'],
  );
  assert.is(acts.find(({ name }) => name === 'port is taken')?.stranger_alive, true, 'the stranger was not killed');
  assert.is(side_by_side.sides.find(({ strategy }) => strategy === 'overlap')?.downtime_ms, 0);
  assert.match(
    stderr.replaceAll(/\s+/g, ' '),
    'Without root there is no throw-away systemd, so the manager of deployer serves',
  );
  assert.match(
    stderr.replaceAll(/\s+/g, ' '),
    'units in the manager of deployer are gone, and nothing of the demo is left',
  );
  assert.not.match(stderr.replaceAll(/\s+/g, ' '), 'The throw-away systemd is gone');
  await until('nothing is left', async () => (await seen(user)) === before);
});

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`${signal} ends it in the middle of a run, and nothing is left behind`, async (t) => {
    const user = await plainUser();
    const before = await seen(user);
    const started = await user.sandbox.startCutover(['demo', '--json']);
    t.cleanup(() => void started.kill('SIGKILL'));
    let told = '';
    started.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const printed = text(started.stdout);
    await until('it is in the middle', async () => told.includes('3 of 8'), 120_000);
    started.kill(signal);
    const { code } = await started.ended;
    if (signal === 'SIGINT') assert.is(code, 130, told + (await printed));
    // Who ends a killed demo's things is another process.
    await until('nothing is left', async () => (await seen(user)) === before);
  });
}

test('neither Ctrl-C again and again nor a login without a session leaves anything behind', async (t) => {
  const user = await plainUser();
  const before = await seen(user);
  // As `su -` begins it; a process group of its own is what a terminal's Ctrl-C reaches.
  const words = ['env', '--unset=XDG_RUNTIME_DIR', process.execPath, executable('cutover'), 'demo', '--json'];
  const started = await user.sandbox.spawn(['setsid', '--wait', ...words]);
  t.cleanup(() => void started.kill('SIGKILL'));
  let told = '';
  started.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const printed = text(started.stdout);
  await until('it is in the middle', async () => told.includes('3 of 8'), 120_000);
  const demo = /-demo-(\d+)-/.exec(await user.sandbox.run('ls', '/tmp'))?.[1];
  const interrupt = ['kill', '-INT', '--', `-${demo}`] as const;
  await until('it is over', async () => (await user.sandbox.exec(interrupt)).code !== 0, 120_000);
  assert.is((await started.ended).code, 130, told + (await printed));
  await until('nothing is left', async () => (await seen(user)) === before);
});

test('without a manager of their own they are told what to type', async () => {
  const user = await plainUser();
  const nowhere = { env: { XDG_RUNTIME_DIR: '/run/nowhere' } };
  const { code, stderr } = await user.sandbox.cutover(['demo'], nowhere);
  assert.is(code, 69, stderr);
  assert.match(stderr, 'without root the demo needs a systemd manager of your own');
  assert.match(stderr, '-> sudo cutover demo; or give yourself a manager: sudo loginctl enable-linger deployer');
});

/** What a demo would leave: units, their files, files in the temporary folder, processes. */
async function seen({ sandbox, uid }: PlainUser): Promise<string> {
  const units = await sandbox.run('systemctl', 'list-units', '*cutover*', '--all', '--plain', '--no-legend');
  const folders = ['/tmp', `/run/user/${uid}/systemd/user`];
  const { stdout: files } = await sandbox.exec(['find', ...folders, '-maxdepth', '1', '-name', '*cutover*']);
  const { stdout: processes } = await sandbox.exec([
    'pgrep',
    '--full',
    '--list-full',
    '--uid',
    String(uid),
    'cutover-demo',
  ]);
  return JSON.stringify({ units, files, processes });
}
