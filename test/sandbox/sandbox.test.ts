// needs: sandbox
// runs: alone
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { start } from '../../lib/base/exec.ts';
import { poll } from '../../lib/base/wait.ts';
import { bootSandbox } from '../../lib/sandbox/sandbox.ts';
import { bootForTests, repository, sandboxFor } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('sandbox');

test('boots with nothing failed and only what a deploy needs', async () => {
  const sandbox = await sandboxFor();
  assert.is(sandbox.state, 'running');
  assert.is(await sandbox.run('hostname'), 'sandbox');
  assert.is(await sandbox.run('systemctl', '--failed', '--no-legend'), '');
  const services = await sandbox.run(
    'systemctl',
    'list-units',
    '--type=service',
    '--state=running',
    '--no-legend',
    '--plain',
  );
  const names = services.split('\n').map((line) => line.split(' ')[0]);
  const expected = ['dbus.service', 'polkit.service', 'systemd-journald.service', 'systemd-logind.service'];
  assert.equal(
    names.filter((name) => !expected.includes(name ?? '')),
    [],
  );
  assert.is(await sandbox.run('ls', '/etc/systemd/system'), '');
});

test('has a bus, sessions and polkit that refuses a plain user', async () => {
  const sandbox = await sandboxFor();
  const login = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager', 'ListSeats'];
  assert.match(await sandbox.run('busctl', 'call', ...login), 'seat0');
  const refused = await sandbox.exec([
    'setpriv',
    '--reuid=65534',
    '--clear-groups',
    'systemctl',
    'restart',
    'dbus.service',
  ]);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, 'authentication required');
  assert.is(await sandbox.run('systemctl', 'is-active', 'polkit.service'), 'active');
});

test('counts memory and processes of a service', async () => {
  const sandbox = await sandboxFor();
  // Before it is executed it may not be in each of its groups yet.
  await sandbox.run('systemd-run', '--unit=counted', '-p', 'Type=exec', 'sleep', '300');
  const shown = await sandbox.run('systemctl', 'show', '-p', 'MemoryCurrent', '-p', 'TasksCurrent', 'counted.service');
  assert.match(shown, /^MemoryCurrent=\d+$/m);
  assert.match(shown, /^TasksCurrent=1$/m);
  await sandbox.run('systemctl', 'stop', 'counted.service');
});

test('keeps a service within MemoryMax=', async () => {
  const sandbox = await sandboxFor();
  const grow = 'const kept=[]; for(;;) kept.push(Buffer.alloc(1e6,1))';
  const limits = ['-p', 'MemoryMax=80M', '-p', 'MemorySwapMax=0'];
  const ran = await sandbox.exec(['systemd-run', '--wait', '--unit=greedy', ...limits, process.execPath, '-e', grow]);
  assert.not.equal(ran.code, 0);
  // systemd tells the reason only where memory.events exists, which is version 2 of cgroups.
  assert.match(ran.stderr, /result: (oom-kill|signal)/);
});

test('gives a command its folder, environment, exit code and both streams', async () => {
  const sandbox = await sandboxFor();
  const options = { cwd: '/srv', env: { WORD: 'a b=c' } };
  const result = await sandbox.exec(['bash', '-c', 'pwd; echo "$WORD"; env | wc -l; echo no >&2; exit 7'], options);
  assert.is(result.code, 7);
  assert.match(result.stdout, /^\/srv\na b=c\n/);
  assert.is(result.stderr, 'no');
});

test('passes a signal to the started command itself', async () => {
  const sandbox = await sandboxFor();
  const child = await sandbox.spawn([
    'bash',
    '-c',
    'trap "echo caught; exit 5" TERM; echo up; while :; do sleep 0.05; done',
  ]);
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said === 'up\n') child.kill('SIGTERM');
  }
  assert.is(said, 'up\ncaught\n');
  assert.equal(await child.ended, { code: 5, signal: null });
});

test('ends a command whose time is over, inside too', async (t) => {
  const sandbox = await sandboxFor();
  const result = await sandbox.exec(['sleep', '7654'], { timeoutMs: 2_000 });
  assert.ok(result.timedOut);
  const isGone = async () => (await sandbox.exec(['pgrep', '-f', 'sleep 7654'])).code === 1;
  await poll({ everyMs: 10, signal: t.signal }, async () => (await isGone()) || undefined);
});

test('has a network of its own', async () => {
  const sandbox = await sandboxFor();
  const listen = "require('node:http').createServer((q,s)=>s.end('inside')).listen(18080)";
  await sandbox.run('systemd-run', '--unit=web', process.execPath, '-e', listen);
  const ask =
    "const ask=()=>fetch('http://127.0.0.1:18080').then(r=>r.text()).then(console.log,()=>setTimeout(ask,20));ask()";
  assert.is(await sandbox.run(process.execPath, '-e', ask), 'inside');
  const outside = await fetch('http://127.0.0.1:18080').then(
    () => 'answered',
    () => 'refused',
  );
  assert.is(outside, 'refused');
  await sandbox.run('systemctl', 'stop', 'web.service');
});

test('comes back after a power cut with its disk, a new boot, and enabled units', async () => {
  const sandbox = await bootForTests();
  const unit = '[Service]\nExecStart=sleep 300\n[Install]\nWantedBy=multi-user.target\n';
  await writeFile(sandbox.hostPath('/etc/systemd/system/kept.service'), unit);
  await sandbox.run('systemctl', 'enable', '--now', 'kept.service');
  await sandbox.run('bash', '-c', 'for d in /srv /var/lib /var/log /var/backups /run /tmp; do echo x >$d/mark; done');
  await sandbox.run('systemd-cat', '-t', 'marker', 'echo', 'before the cut');
  await sandbox.run('journalctl', '--sync');
  const boot = await sandbox.run('cat', '/proc/sys/kernel/random/boot_id');

  await sandbox.reboot();
  assert.is.not(await sandbox.run('cat', '/proc/sys/kernel/random/boot_id'), boot);
  assert.is(await sandbox.run('systemctl', 'is-active', 'kept.service'), 'active');
  const marks = await sandbox.exec([
    'bash',
    '-c',
    'ls /srv/mark /var/lib/mark /var/log/mark /var/backups/mark /run/mark /tmp/mark 2>/dev/null',
  ]);
  assert.equal(marks.stdout.split('\n').toSorted(), [
    '/srv/mark',
    '/var/backups/mark',
    '/var/lib/mark',
    '/var/log/mark',
  ]);
  assert.match(await sandbox.run('journalctl', '-b', '-1', '-t', 'marker', '-o', 'cat'), 'before the cut');
});

test('keeps two machines apart', async () => {
  const [one, two] = await Promise.all([sandboxFor(), bootForTests()]);
  await one.run('systemd-run', '--unit=same', '-p', 'Type=exec', '-p', 'MemoryMax=100M', 'sleep', '300');
  await two.run('systemd-run', '--unit=same', '-p', 'Type=exec', '-p', 'MemoryMax=200M', 'sleep', '300');
  assert.is(await one.run('systemctl', 'show', '-P', 'TasksCurrent', 'same.service'), '1');
  await two.powerCut();
  assert.is(await one.run('systemctl', 'is-active', 'same.service'), 'active');
  await one.run('systemctl', 'stop', 'same.service');
});

test('leaves nothing behind', async () => {
  const before = await traces();
  const sandbox = await bootSandbox();
  await sandbox.exec(['systemd-run', 'sleep', '300']);
  assert.not.equal((await traces()).cgroups, before.cgroups);
  await sandbox.end();
  await sandbox.end();
  assert.equal(await traces(), before);
  assert.not(await stat(sandbox.disk).catch(() => null));
  assert.not(await stat(`/proc/${sandbox.pid}`).catch(() => null));
});

test('ends with what entered its cgroups from outside', async (t) => {
  const before = await traces();
  const sandbox = await bootSandbox();
  const guest = await start(['sleep', '300']);
  t.cleanup(() => void guest.kill('SIGKILL'));
  const made = (await traces()).cgroups.filter((group) => !before.cgroups.includes(group));
  // Version 2 takes no process into a group that passes controllers on: a group of its own.
  const group = join(made[0] ?? '', 'guest');
  await mkdir(group);
  await writeFile(join(group, 'cgroup.procs'), String(guest.pid));
  await sandbox.end();
  assert.is((await guest.ended).signal, 'SIGKILL');
});

test('dies with the process that booted it, and the next boot removes its cgroups', async (t) => {
  const disk = await mkdtemp(join(tmpdir(), 'cutover-orphan-'));
  t.cleanup(() => rm(disk, { recursive: true }));
  const library = join(repository, 'lib/sandbox/sandbox.ts');
  const program = `import(process.argv[1]).then(async ({ bootSandbox }) => {
    const { pid } = await bootSandbox({ disk: process.argv[2] });
    console.log(pid);
  })`;
  const owner = await start([process.execPath, '--import', 'tsx', '-e', program, library, disk], { cwd: repository });
  const [chunk] = await once(owner.stdout, 'data');
  owner.kill('SIGKILL');
  await owner.ended;
  await poll({ everyMs: 10, signal: t.signal }, async () => (isRunning(Number(String(chunk))) ? undefined : true));
  await (await bootSandbox({ disk })).end();
  assert.equal((await traces(owner.pid)).cgroups, []);
});

test('ends a boot that is aborted or too long', async () => {
  const before = await traces();
  const late = await failureOf(bootSandbox({ timeoutMs: 60 }));
  assert.match(late, 'the sandbox did not boot within 0.06 s');
  const aborted = await failureOf(bootSandbox({ signal: AbortSignal.abort(new Error('enough')) }));
  assert.match(aborted, 'enough');
  assert.equal(await traces(), before);
});

test('says what it cannot bind', async () => {
  const refused = await failureOf(bootSandbox({ binds: [{ from: '/nowhere', to: '/srv/x' }] }));
  assert.match(refused, '/nowhere');
});

async function failureOf(boot: Promise<unknown>): Promise<string> {
  return boot.then(
    () => 'it booted',
    (error: unknown) => String(error),
  );
}

/** A zombie that nobody has collected yet does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function traces(owner = process.pid): Promise<{ cgroups: string[]; mounts: number }> {
  const hierarchies = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(' - cgroup'));
  const own = await readFile('/proc/self/cgroup', 'utf8');
  const groups = own.split('\n').map((line) => line.split(':')[2] ?? '/');
  const cgroups = new Set<string>();
  for (const place of hierarchies.map((line) => line.split(' ')[4] ?? '')) {
    for (const group of new Set(['/', ...groups])) {
      const names = await readdir(`${place}${group}`).catch(() => []);
      for (const name of names)
        if (name.startsWith(`cutover-sandbox.${owner}.`)) cgroups.add(`${place}${group}/${name}`);
    }
  }
  return { cgroups: [...cgroups], mounts: (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').length };
}
