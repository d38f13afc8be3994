// needs: sandbox
import * as assert from 'uvu/assert';
import { sandboxFor } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
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

/** Runs what a test does with the tools, while a service runs whose journal may be asked; gives what it printed. */
async function askInside(t: TestContext, code: string, command = '/usr/bin/sleep inf'): Promise<unknown> {
  const sandbox = await sandboxFor();
  await writeService(t, sandbox, 'asked.service', [`ExecStart=${command}`]);
  await sandbox.run('systemctl', 'start', 'asked.service');
  return runInside(sandbox, `${tools}${code}process.exit();`);
}

test('S3: a question that was begun before finds what was written since, once, and is no other question', async (t) => {
  const sandbox = await sandboxFor();
  await sandbox.run('mkfifo', '/run/asked');
  const says = '/bin/sh -c \'read -r word < /run/asked; echo "<3>$word" >&2; exec sleep inf\'';
  const found = await askInside(
    t,
    `
    const ready = prepareQuestion(query, 60_000);
    await until('1');
    const { writeFile } = await import('node:fs/promises');
    await writeFile('/run/asked', 'broken\\n');
    await poll({ everyMs: 10, signal }, async () => (await askJournal(query)).entries.length > 0 || undefined);
    const other = await ready.ask({ ...query, lines: 21 });
    const { entries, isUnread } = await ready.ask(query);
    ready.drop();
    const messages = entries.map(({ message }) => message);
    const { judgeJournal } = await import(lib + '/deploy/limits.ts');
    const asked = { limits: { journalErrors: 0, journalPattern: null }, manager: 'system', signal };
    const { failure } = await judgeJournal(query, asked, ready);
    console.log(JSON.stringify([other, messages, isUnread, await ready.ask(query), failure.reason]));
  `,
    says,
  );
  assert.equal(found, [null, ['broken'], false, null, 'journal']);
});

test('S3: one that was dropped, killed, aborted or could not be begun is asked anew', async (t) => {
  const found = await askInside(
    t,
    `
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
    const kept = prepareQuestion(query, 1);
    await until('0');
    const answers = await Promise.all([dropped, killed, aborted, kept].map((question) => question.ask(query)));
    const { mkdir, symlink, writeFile, rm } = await import('node:fs/promises');
    await mkdir('/run/bare');
    process.env.PATH = '/run/bare';
    answers.push(await prepareQuestion(query).ask(query));
    await writeFile('/run/bare/sh', '#!/bin/sh\\nexit 142\\n', { mode: 0o755 });
    answers.push(await prepareQuestion(query).ask(query));
    await rm('/run/bare/sh');
    await symlink('/bin/sh', '/run/bare/sh');
    answers.push(await prepareQuestion(query).ask(query));
    console.log(JSON.stringify(answers));
  `,
  );
  assert.equal(found, [null, null, null, null, null, null, null]);
});

test('S3: whoever asks may be interrupted meanwhile, and nothing goes on', async (t) => {
  const found = await askInside(
    t,
    `
    const { mkdir, writeFile } = await import('node:fs/promises');
    await mkdir('/run/slow');
    await writeFile('/run/slow/journalctl', '#!/bin/sh\\nexec sleep 1000\\n', { mode: 0o755 });
    process.env.PATH = '/run/slow:' + process.env.PATH;
    const ready = prepareQuestion(query, 60_000);
    const ended = openController();
    const asking = ready.ask({ ...query, signal: ended.signal }).catch((error) => error.message);
    const sleeping = async () => (await run('pgrep', '-c', '-f', '^sleep 1000$')).stdout.trim();
    await poll({ everyMs: 10, signal }, async () => (await sleeping()) === '1' || undefined);
    ended.abort(new Error('interrupted'));
    const said = await asking;
    await poll({ everyMs: 10, signal }, async () => (await sleeping()) === '0' || undefined);
    console.log(JSON.stringify(said));
  `,
  );
  assert.is(found, 'interrupted');
});
