import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { version } from '../../lib/version.ts';
import { makeDirectory } from '../builds/directory.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('cli/start');
const tools = ['cutover', 'pre-deployment-check', 'safe-deploy', 'deploy-with-zero-downtime'];
const nowhere = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere/bus', XDG_CONFIG_HOME: '/nowhere', HOME: '/nowhere' };

/** Runs one of the executables, where no configuration and no bus is found unless they are named. */
function call(tool: string, args: string[], env: Record<string, string> = {}) {
  const command = [process.execPath, join(repository, 'bin', `${tool}.js`), ...args] as const;
  return exec(command, { timeoutMs: 30_000, cwd: '/', env: { ...nowhere, CUTOVER_CONFIG: '', ...env } });
}

test('S2: the version is the one of package.json', async () => {
  const { version: packaged } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.is(version, packaged);
  assert.equal(await call('cutover', ['--version']), {
    code: 0,
    stdout: `cutover ${packaged}`,
    stderr: '',
    timedOut: false,
  });
});

test('S2: help is for stdout and is success, a mistake is for stderr and is not', async () => {
  for (const argv of [[], ['--help'], ['deploy', '--help']]) {
    const { code, stdout, stderr } = await call('cutover', argv);
    assert.equal([code, stderr], [0, ''], argv.join(' '));
    assert.match(stdout, 'Examples:');
  }
  for (const argv of [['deplyo'], ['deploy', '--forse'], ['config', 'x']]) {
    const { code, stdout, stderr } = await call('cutover', argv);
    assert.equal([code, stdout], [64, ''], argv.join(' '));
    assert.match(stderr, /^cutover: .*\n {2}-> cutover /);
    assert.not.match(stderr, /\n {4}at /);
  }
});

test('S2: the old names begin, too', async () => {
  for (const tool of tools) {
    const { code, stderr, stdout } = await call(tool, ['--help']);
    assert.equal([code, stderr], [0, ''], tool);
    assert.match(stdout, 'Examples:');
  }
});

test('S2: every error is one JSON document with --json, and the same in words on stderr', async (t) => {
  const directory = await makeDirectory(t);
  const config = join(directory, 'cutover.toml');
  const places = `state = "${directory}/state"\nlogs = "${directory}/logs"\n`;
  const target = '[targets.production]\nunit = "shop.service"\nbuilds = "/nowhere"\nport = 9000\n';
  await writeFile(config, `app = "shop"\n${places}${target}`);
  const wrong = join(await makeDirectory(t), 'wrong.toml');
  await writeFile(wrong, 'app = "shop"\nstrange = 1\n');
  const cases: [argv: string[], code: string, exitCode: number][] = [
    [['deplyo', '--json'], 'usage', 64],
    [['deploy', '--forse', '--json'], 'usage', 64],
    [['monitor', '--json'], 'config', 78],
    [['check', '--json', '--config', '/nowhere.toml'], 'config', 78],
    [['check', '--json', '--config', wrong], 'config', 78],
    [['check', 'staging', '--json', '--config', config], 'usage', 64],
    [['check', '--json', '--config', config], 'systemd_unavailable', 69],
    [['deploy', '--json', '--config', config], 'systemd_unavailable', 69],
    [['rollback', '--json', '--config', config], 'systemd_unavailable', 69],
  ];
  for (const [argv, code, exitCode] of cases) {
    const result = await call('cutover', argv);
    const about = argv.join(' ');
    assert.is(result.code, exitCode, `${about}: ${result.stderr}`);
    const document = JSON.parse(result.stdout) as {
      error: { code: string; message: string; mend: string };
      exit_code: number;
    };
    assert.equal([document.error.code, document.exit_code], [code, exitCode], about);
    assert.match(result.stderr, `cutover: ${document.error.message.split('\n')[0]}`);
    assert.ok(document.error.mend, about);
    assert.not.match(result.stderr, /\n {4}at /);
  }
});

test('S2, S8: in a directory that was removed it works as it does elsewhere', async (t) => {
  const directory = await makeDirectory(t);
  const config = join(directory, 'cutover.toml');
  await writeFile(
    config,
    `app = "shop"\nstate = "${directory}"\n[targets.production]\nunit = "a.service"\nbuilds = "/nowhere"\n`,
  );
  const script = `mkdir ${directory}/gone && cd ${directory}/gone && rmdir ${directory}/gone && exec "$@"`;
  const fromNowhere = (...args: string[]) => {
    const words = [process.execPath, join(repository, 'bin/cutover.js'), ...args];
    const env = { ...nowhere, CUTOVER_CONFIG: '' };
    return exec(['sh', '-c', script, 'sh', ...words], { timeoutMs: 30_000, env });
  };
  const versions = await fromNowhere('--version');
  assert.equal([versions.code, versions.stdout, versions.stderr], [0, `cutover ${version}`, '']);
  for (const [args, code] of [
    [['deploy', '--json'], 78],
    [['deploy', '--json', '--config', 'cutover.toml'], 78],
    [['rollback', '--json', '--config', config], 69],
  ] as const) {
    const result = await fromNowhere(...args);
    assert.is(result.code, code, result.stderr);
    assert.is((JSON.parse(result.stdout) as { exit_code: number }).exit_code, code);
    assert.not.match(result.stderr, /\n {4}at /);
  }
});

test('S2: where an error came from is told when asked for', async () => {
  const { code, stderr } = await call('cutover', ['deplyo', '--verbose']);
  assert.is(code, 64);
  assert.match(stderr, /\n {4}at /);
});

test('S2: no control character comes out where there is no terminal', async () => {
  for (const argv of [['--help'], ['deplyo'], ['config', '--docs']]) {
    const { stdout, stderr } = await call('cutover', argv, { FORCE_COLOR: '' });
    // eslint-disable-next-line no-control-regex
    assert.not.match(stdout + stderr, /\u001B/, argv.join(' '));
  }
});

test('S2: a reader that leaves early changes neither the end nor the exit code', async () => {
  const child = spawn(process.execPath, [join(repository, 'bin/cutover.js'), 'config', '--docs'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.destroy();
  const [code] = await once(child, 'exit');
  assert.equal([code, stderr], [0, '']);
});

test('S2: what is long comes out whole, through a pipe that is slow', async () => {
  const whole = (await call('cutover', ['config', '--schema'])).stdout;
  const script = '"$@" | { sleep 0.3; cat; }';
  const words = [process.execPath, join(repository, 'bin/cutover.js'), 'config', '--schema'];
  const piped = await exec(['bash', '-c', script, 'bash', ...words], { timeoutMs: 30_000, cwd: '/' });
  assert.is(piped.stdout, whole);
  JSON.parse(whole);
});
