// needs: sandbox
import * as assert from 'uvu/assert';
import { sandboxFor } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { runInside, writeService } from './inside.ts';

const test = suite('systemd/ready-question');

/** What a test inside of the sandbox works with: the shells that wait are counted and killed by their parent. */
const tools = `
  const { prepareQuestion } = await import(lib + '/systemd/ready-question.ts');
  const { askJournal } = await import(lib + '/systemd/journal.ts');
  const { exec } = await import(lib + '/base/exec.ts');
  const { poll, openController } = await import(lib + '/base/wait.ts');
  const { signal } = openController();
  const run = (...command) => exec(command, { timeoutMs: 20_000 });
  const waiting = async () => (await run('pgrep', '-c', '-x', 'sh', '-P', String(process.pid))).stdout.trim();
  const until = (count) => poll({ everyMs: 10, signal }, async () => (await waiting()) === count || undefined);
  const { stdout: invocationId } = await run('systemctl', 'show', '--value', '--property=InvocationID', 'asked.service');
  const query = { manager: 'system', unit: 'asked.service', invocationId, priority: 3, lines: 20, signal };
`;

test('S3: a question that was begun before finds what was written since, once, and is no other question', async (t) => {
  const sandbox = await sandboxFor();
  await sandbox.run('mkfifo', '/run/asked');
  const says = '/bin/sh -c \'read -r word < /run/asked; echo "<3>$word" >&2; exec sleep inf\'';
  await writeService(t, sandbox, 'asked.service', [`ExecStart=${says.replace('$', '$$')}`]);
  await sandbox.run('systemctl', 'start', 'asked.service');
  const found = await runInside(
    sandbox,
    `${tools}
    const ready = prepareQuestion(query);
    await until('1');
    const { writeFile } = await import('node:fs/promises');
    await writeFile('/run/asked', 'broken\\n');
    await poll({ everyMs: 10, signal }, async () => (await askJournal(query)).entries.length > 0 || undefined);
    const other = await ready.ask({ ...query, lines: 21 });
    const { entries, isUnread } = await ready.ask(query);
    ready.drop();
    console.log(JSON.stringify([other, entries.map(({ message }) => message), isUnread, await ready.ask(query)]));
    process.exit();
  `,
  );
  assert.equal(found, [null, ['broken'], false, null]);
});

test('S3: one that was dropped, killed, aborted or could not be begun is asked anew', async (t) => {
  const sandbox = await sandboxFor();
  await writeService(t, sandbox, 'asked.service', ['ExecStart=/usr/bin/sleep inf']);
  await sandbox.run('systemctl', 'start', 'asked.service');
  const found = await runInside(
    sandbox,
    `${tools}
    const dropped = prepareQuestion(query);
    await until('1');
    dropped.drop();
    await until('0');
    const killed = prepareQuestion(query);
    await until('1');
    await run('pkill', '--signal', 'KILL', '-x', 'sh', '-P', String(process.pid));
    await until('0');
    const ended = openController();
    const aborted = prepareQuestion({ ...query, signal: ended.signal });
    await until('1');
    ended.abort();
    await until('0');
    const { mkdir, symlink } = await import('node:fs/promises');
    await mkdir('/run/bare');
    process.env.PATH = '/run/bare';
    const withoutShell = prepareQuestion(query);
    const answers = [await dropped.ask(query), await killed.ask(query), await aborted.ask(query), await withoutShell.ask(query)];
    await symlink('/bin/sh', '/run/bare/sh');
    answers.push(await prepareQuestion(query).ask(query));
    console.log(JSON.stringify(answers));
    process.exit();
  `,
  );
  assert.equal(found, [null, null, null, null, null]);
});
