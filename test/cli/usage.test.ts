import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Command, exec, type ExecResult } from '../../lib/base/exec.ts';
import { executable } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/usage');

const one = 'app = "shop"\n[targets.production]\nunit = "shop.service"\nbuilds = "/srv/shop/builds"\n';
const two = `${one}[targets.staging]\nunit = "shop-staging.service"\nbuilds = "/srv/shop/staging"\n`;

/** What a mistake leads to: the words, the exit code, what is said, what is to type. */
interface Mistake {
  tool?: string;
  words: string[];
  /** the configuration in the working directory; null: none */
  config?: string | null;
  exit: number;
  code: string;
  message: RegExp;
  mend: RegExp | null;
}

const usage = { exit: 64, code: 'usage' };
const config = { exit: 78, code: 'config' };
const direct = 'deploy-with-zero-downtime';
const mistakes: Record<string, Mistake> = {
  'an unknown command': {
    words: ['frobnicate'],
    ...usage,
    message: /^there is no command frobnicate$/,
    mend: /^cutover --help$/,
  },
  'a build alone, where there are several targets': {
    words: ['rollback', 'dist.20260203-123600'],
    config: two,
    ...usage,
    message: /^several targets are configured, so one must be named$/,
    mend: /^known targets: production, staging$/,
  },
  'a misspelt command': { words: ['deplyo'], ...usage, message: /did you mean deploy\?$/, mend: /^cutover --help$/ },
  'an unknown option': {
    words: ['deploy', '--forse'],
    ...usage,
    message: /^cutover deploy has no option --forse, did you mean --force\?$/,
    mend: /^cutover deploy --help$/,
  },
  'an option of another command': {
    words: ['check', '--force'],
    ...usage,
    message: /^cutover check has no option --force/,
    mend: /^cutover check --help$/,
  },
  'an option without its value': {
    words: ['deploy', '--config'],
    ...usage,
    message: /--config/,
    mend: /^cutover deploy --help$/,
  },
  'a word too many': {
    words: ['deploy', 'production', 'newest', 'now'],
    ...usage,
    message: /does not know what to do with "now"$/,
    mend: /^cutover deploy --help$/,
  },
  'an unknown target': {
    words: ['deploy', 'prod'],
    ...usage,
    message: /^there is no target prod$/,
    mend: /^known targets: production$/,
  },
  'no target where there are two': {
    words: ['deploy'],
    config: two,
    ...usage,
    message: /^several targets are configured/,
    mend: /^known targets: production, staging$/,
  },
  'a time that is none': {
    words: ['deploy', '--wait=soon'],
    ...usage,
    message: /^--wait: .*soon/,
    mend: /^--wait=5min$/,
  },
  'a limit that is none': {
    words: ['history', '--limit=few'],
    ...usage,
    message: /^--limit takes a whole number from 1$/,
    mend: /^--limit 20$/,
  },
  'a limit of none': {
    words: ['history', '--limit=0'],
    ...usage,
    message: /^--limit takes a whole number from 1$/,
    mend: /^--limit 20$/,
  },
  'a run that never was': {
    words: ['report', 'production', '20200101-000000-0000'],
    ...usage,
    message: /^there is no run 20200101-000000-0000$/,
    mend: /^cutover history/,
  },
  'no configuration': {
    words: ['deploy'],
    config: null,
    ...config,
    message: /^no configuration found; looked at .*\/cutover\.toml, /,
    mend: /cutover init/,
  },
  'a configuration that is not there': {
    words: ['deploy', '--config', 'other.toml'],
    ...config,
    message: /^cannot read \/.*\/other\.toml: there is no such file$/,
    mend: /ls -l/,
  },
  'a configuration that is a directory': {
    words: ['deploy', '--config', '/'],
    ...config,
    message: /^cannot read \/: it is a directory$/,
    mend: /--config/,
  },
  'broken TOML': {
    words: ['deploy'],
    config: 'app = "shop"\n[targets',
    ...config,
    message: /line 2, column \d+/,
    mend: /^edit line 2 of /,
  },
  'an unknown key': {
    words: ['deploy'],
    config: `${one}helth = 3\n`,
    ...config,
    message: /targets\.production\.helth.*health/s,
    mend: /cutover config/,
  },
  'a value of the wrong kind': {
    words: ['check'],
    config: `${one}port = "nine"\nkeep = "many"\n`,
    ...config,
    message: /targets\.production\.port.*nine.*targets\.production\.keep.*many/s,
    mend: /cutover config/,
  },
  'no targets': { words: ['check'], config: '', ...config, message: /targets/, mend: /cutover config/ },
  'a port that is none': {
    tool: direct,
    words: ['shop.service', '/srv/shop/builds/dist.20260203-151116', 'nine'],
    ...usage,
    message: /^"nine" is no port$/,
    mend: /^deploy-with-zero-downtime /,
  },
  'a port out of range': {
    tool: direct,
    words: ['shop.service', '/srv/shop/builds/dist.20260203-151116', '70000'],
    ...usage,
    message: /^"70000" is no port$/,
    mend: /^deploy-with-zero-downtime /,
  },
  'a word too few': {
    tool: direct,
    words: ['shop.service', '/srv/shop/builds/dist.20260203-151116'],
    ...usage,
    message: /./,
    mend: /--help$/,
  },
};

for (const [name, mistake] of Object.entries(mistakes)) {
  test(`${name}: exit ${mistake.exit}, in words and as one document`, async (t) => {
    const call = await makeDirectoryWith(t, mistake.config);
    const { tool = 'cutover', words, exit, code, message, mend } = mistake;
    const asJson = await call(tool, [...words, '--json']);
    const { error, ...rest } = JSON.parse(asJson.stdout);
    assert.is(asJson.stdout.split('\n').length, 1, 'one document');
    assert.equal([asJson.code, rest, error.code], [exit, { exit_code: exit }, code], asJson.stderr);
    assert.match(error.message, message);
    if (mend) assert.match(error.mend, mend);
    const inWords = await call(tool, words);
    assert.equal([inWords.code, inWords.stdout], [exit, '']);
    assert.ok(inWords.stderr.startsWith(`cutover: ${error.message}\n`), inWords.stderr);
    if (error.mend) assert.match(inWords.stderr, `\n  -> ${error.mend}`);
    for (const { stdout, stderr } of [asJson, inWords]) assert.not.match(stdout + stderr, '    at ');
    assert.match((await call(tool, [...words, '--verbose'])).stderr, '    at ', '--verbose tells where it came from');
  });
}

test('an unreadable configuration: exit 78', async (t) => {
  const call = await makeDirectoryWith(t, one, { mode: 0 });
  const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const { code, stdout } = await call('cutover', ['check', '--json'], asNobody);
  const { error } = JSON.parse(stdout);
  assert.equal([code, error.code], [78, 'config']);
  assert.match(error.message, 'permission denied');
  assert.match(error.mend, 'sudo');
  const inWords = await call('cutover', ['check'], asNobody);
  assert.is(inWords.code, 78);
  assert.match(inWords.stderr, /^cutover: cannot read .*: permission denied\n {2}-> .*sudo/);
  assert.not.match(stdout + inWords.stderr, '    at ');
});

test('every command explains itself, with examples', async (t) => {
  const call = await makeDirectoryWith(t, null);
  const overview = await call('cutover', ['--help']);
  assert.equal([overview.code, overview.stderr], [0, '']);
  const names = [...overview.stdout.matchAll(/^ {2}([a-z]+) .*$/gm)]
    .map(([, name]) => name as string)
    .filter((name) => name !== 'cutover');
  for (const name of [
    'check',
    'deploy',
    'rollback',
    'settle',
    'status',
    'builds',
    'history',
    'report',
    'logs',
    'config',
  ]) {
    assert.ok(names.includes(name), `${name} in ${names.join(', ')}`);
  }
  for (const name of names) {
    const { code, stdout } = await call('cutover', [name, '--help']);
    assert.is(code, 0);
    assert.match(stdout, new RegExp(`Usage: cutover ${name}.*Examples:\\n  \\S`, 's'), name);
  }
  for (const words of [[], ['help'], ['-h']]) assert.is((await call('cutover', words)).stdout, overview.stdout);
  assert.match((await call('cutover', ['--version'])).stdout, /^cutover \d+\.\d+\.\d+$/);
  for (const [tool, usageLine] of [
    ['pre-deployment-check', '[target]'],
    ['safe-deploy', '[target]'],
    [direct, '<unit> <build-directory> <port>'],
  ] as const) {
    const { code, stdout } = await call(tool, ['--help']);
    assert.is(code, 0);
    assert.match(stdout, usageLine);
  }
});

type Call = (tool: string, words: string[], before?: string[]) => Promise<ExecResult>;

/** A working directory with a configuration, and nothing that says where another one is. */
async function makeDirectoryWith(t: TestContext, text: string | null = one, { mode = 0o644 } = {}): Promise<Call> {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-usage-'));
  t.cleanup(() => rm(directory, { recursive: true }));
  await chmod(directory, 0o755);
  await mkdir(join(directory, 'state'));
  const state = text?.includes('[targets.') ? `state = "${directory}/state"\n` : '';
  if (text !== null) await writeFile(join(directory, 'cutover.toml'), state + text, { mode });
  const env = {
    HOME: directory,
    XDG_CONFIG_HOME: '',
    CUTOVER_CONFIG: '',
    DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere',
  };
  return (tool, words, before = []) => {
    const command = [...before, process.execPath, executable(tool), ...words] as unknown as Command;
    return exec(command, { timeoutMs: 20_000, cwd: directory, env });
  };
}
