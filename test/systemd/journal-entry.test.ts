// needs: sandbox
import * as assert from 'uvu/assert';
import { poll } from '../../lib/base/wait.ts';
import { sandboxFor } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { runInside } from './inside.ts';

const test = suite('systemd/journal-entry');

test('S10: an entry is written once, whether its program was begun before, was killed meanwhile, or was not begun', async (t) => {
  const sandbox = await sandboxFor();
  const found = await runInside(
    sandbox,
    `
    const { journalWriter } = await import(lib + '/systemd/journal-entry.ts');
    const { exec } = await import(lib + '/base/exec.ts');
    const { poll, openController } = await import(lib + '/base/wait.ts');
    const { signal } = openController();
    const run = (...command) => exec(command, { timeoutMs: 20_000 });
    const loggers = async () => (await run('pgrep', '-c', '-x', 'logger')).stdout.trim();
    const until = (count) => poll({ everyMs: 10, signal }, async () => (await loggers()) === count || undefined);
    const writer = journalWriter();
    await writer.write({ MESSAGE: 'not begun', CUTOVER_TARGET: 'writing' });
    writer.prepare();
    writer.prepare();
    await until('1');
    await writer.write({ MESSAGE: 'begun', CUTOVER_TARGET: 'writing' });
    writer.prepare();
    await until('1');
    await run('pkill', '--signal', 'KILL', '-x', 'logger');
    await until('0');
    await writer.write({ MESSAGE: 'killed', CUTOVER_TARGET: 'writing' });
    writer.prepare();
    await until('1');
    await run('pkill', '--signal', 'KILL', '-x', 'logger');
    await until('0');
    // Begun anew once it is known that the one before is gone.
    await poll({ everyMs: 10, signal }, async () => (writer.prepare(), (await loggers()) === '1' || undefined));
    await run('journalctl', '--sync');
    const { stdout } = await run('journalctl', '--output=cat', 'CUTOVER_TARGET=writing');
    console.log(JSON.stringify(stdout.split('\\n')));
    process.exit();
  `,
  );
  assert.equal(found, ['not begun', 'begun', 'killed']);
  // What was begun last ends with whoever began it, and writes nothing.
  const isGone = async (): Promise<true | undefined> =>
    (await sandbox.exec(['pgrep', '-x', 'logger'])).stdout === '' || undefined;
  await poll({ everyMs: 10, signal: t.signal }, isGone);
  await sandbox.exec(['journalctl', '--sync']);
  const told = await sandbox.exec(['journalctl', '--output=cat', 'CUTOVER_TARGET=writing']);
  assert.equal(told.stdout.split('\n'), ['not begun', 'begun', 'killed']);
});
