// needs: sandbox
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../lib/base/exec.ts';
import { type Usage, usesBelow } from '../../lib/systemd/usage.ts';
import { makeDirectory } from '../builds/directory.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { until } from '../deploy/site.ts';

const test = suite('systemd/usage elsewhere');
let made = 0;

/** A directory with two trees, by its path inside and ours. */
async function makeTrees(): Promise<{ sandbox: TestSandbox; inside: string; outside: string }> {
  const sandbox = await sandboxFor();
  made += 1;
  const inside = `/srv/elsewhere${made}`;
  const outside = sandbox.hostPath(inside);
  for (const name of ['one', 'two']) {
    await mkdir(join(outside, name), { recursive: true });
    await writeFile(join(outside, name, 'file'), name);
  }
  return { sandbox, inside, outside };
}

/** A shell line that goes on inside, from a file, so that it is nobody's argument; it says when it is there. */
async function startInside(t: TestContext, sandbox: TestSandbox, line: string): Promise<StartedProcess> {
  const script = `/srv/script${made}.sh`;
  await writeFile(sandbox.hostPath(script), `${line}; echo there; exec sleep 60\n`);
  const child = await sandbox.spawn(['unshare', '--mount', 'sh', '-e', script]);
  t.cleanup(() => child.kill('SIGKILL'));
  let said = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  await until('it is there', async () => said.includes('there')).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${complaint}`);
  });
  return child;
}

function waysOf({ uses }: Usage): Record<string, string[]> {
  return Object.fromEntries([...uses].map(([name, some]) => [name, [...new Set(some.map(({ how }) => how))]]));
}

const cases: [string, (inside: string) => string, Record<string, string[]>][] = [
  ['a process that works in it', (inside) => `cd ${inside}/one`, { one: ['cwd'] }],
  ['a bind mount, as a container has', (inside) => `mount --bind ${inside}/one /mnt`, { one: ['mount'] }],
  ['work in such a mount', (inside) => `mount --bind ${inside} /mnt; cd /mnt/two`, { two: ['cwd'] }],
  ['a mount in it', (inside) => `mount -t tmpfs none ${inside}/two`, { two: ['mount'] }],
  [
    'a process whose mount was taken away under it',
    (inside) => `mount --bind ${inside}/one /mnt; mkdir /mnt/deep; cd /mnt/deep; umount -l /mnt`,
    { one: ['cwd'] },
  ],
];

for (const [what, line, expected] of cases) {
  test(`W3: seen from outside: ${what}`, async (t) => {
    const { sandbox, inside, outside } = await makeTrees();
    await startInside(t, sandbox, line(inside));
    assert.equal(waysOf(await usesBelow(outside)), expected);
  });
}

test('W3: a root directory in a build is a use of it', async (t) => {
  const { sandbox, inside, outside } = await makeTrees();
  const jail = `${inside}/one`;
  const parts = 'for d in usr bin lib lib64; do mkdir -p $d; mount --rbind /$d $d; done';
  await startInside(
    t,
    sandbox,
    `cd ${jail}; ${parts}; echo 'echo there; exec sleep 60' > run; exec chroot . sh -e run`,
  );
  const { uses } = await usesBelow(outside);
  assert.equal([...uses.keys()], ['one']);
  const ways = (uses.get('one') ?? []).map(({ how }) => how);
  assert.ok(ways.includes('cwd'), ways.join());
});

test('W3: an open file is seen although its process has another root', async (t) => {
  const directory = await realpath(await makeDirectory(t));
  for (const name of ['jail', 'one']) await mkdir(join(directory, name));
  const descriptor = openSync(join(directory, 'one/file'), 'w');
  const parts = `for d in usr bin lib lib64; do mkdir -p $d; mount --rbind /$d $d; done`;
  const script = `${parts}; exec chroot . /bin/sleep 60`;
  const stdio = ['ignore', 'inherit', 'inherit', descriptor] as const;
  const child = spawn('unshare', ['--mount', 'sh', '-ec', script], { cwd: join(directory, 'jail'), stdio: [...stdio] });
  t.cleanup(() => child.kill('SIGKILL'));
  closeSync(descriptor);
  await until('it has its root', async () => (await readFile(`/proc/${child.pid}/comm`, 'utf8')) === 'sleep\n');
  const { uses } = await usesBelow(directory);
  assert.equal(
    uses.get('one')?.map(({ pid, how }) => [pid, how]),
    [[child.pid, 'open']],
  );
});

test('W3: processes of others are hidden from a plain user, who is told which', async () => {
  const { sandbox, inside } = await makeTrees();
  const code = `import { usesBelow } from '${repository}/lib/systemd/usage.ts';
    const { seen, hidden } = await usesBelow('${inside}');
    console.log(JSON.stringify([seen.has(process.pid), hidden.has(1), [...hidden].filter((pid) => seen.has(pid))]));`;
  const plain = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;
  const node = [process.execPath, '--import', `${repository}/node_modules/tsx/dist/esm/index.mjs`] as const;
  const { stdout, stderr } = await sandbox.exec([...plain, ...node, '--input-type=module', '-e', code]);
  assert.equal(stdout, '[true,true,[]]', stderr);
});
