import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { findConfig, loadConfig } from '../../lib/config/load.ts';
import { asNobody } from '../base/tmpfs.ts';
import { suite, type TestContext } from '../suite.ts';
import { exampleToml, leastToml } from './example.ts';

const test = suite('config/load');

test('a file that uses every table loads', async (t) => {
  const config = await loadConfig(await fileWith(t, exampleToml));
  assert.equal(Object.keys(config.targets), ['production', 'staging']);
  assert.is(config.state, '/var/lib/cutover');
  assert.is(config.logs, '/var/log/cutover');
  const production = config.targets.production;
  assert.is(production?.unit, 'claude-bridge-production.service');
  assert.is(production?.builds, '/srv/claude-bridge/builds/production');
  assert.equal(production?.ports, [9000, 9001]);
  assert.equal(production?.health.statuses, [
    [200, 299],
    [304, 304],
  ]);
  assert.equal(production?.health.json, { status: 'healthy', 'services.redis.status': 'connected' });
  assert.equal(production?.limits.memoryAvailable, { bytes: 524_288_000 });
  assert.is(production?.limits.journalPattern, null);
  assert.equal(
    production?.hooks.smoke?.map(({ run }) => run),
    [{ shell: './a' }, { shell: './b' }],
  );
  assert.equal(production?.checks[0]?.options, {
    path: '/srv/claude-bridge/.env',
    owner: null,
    group: null,
    mode: 0o600,
    keys: ['DATABASE_URL', 'SECRET_KEY'],
    mend: false,
  });
  assert.equal(config.recovery, { attempts: 3, delayMs: 30_000, quorum: 0.66, phases: [['staging'], ['production']] });
  assert.is(config.notify[0]?.options.tokenFile, '/etc/cutover/telegram.token');
});

test('S12: timeouts are configurable', async (t) => {
  const { targets } = await loadConfig(await fileWith(t, exampleToml));
  assert.is(targets.production?.stopTimeoutMs, 45_000);
  assert.is(targets.production?.startTimeoutMs, 90_000);
  assert.is(targets.production?.health.intervalMs, 3000);
});

test('R2: recovery is three attempts, 30 s apart, with two thirds, unless configured', async (t) => {
  const { recovery } = await loadConfig(await fileWith(t, `${leastToml}\n[recovery]\n`));
  assert.equal(recovery, { attempts: 3, delayMs: 30_000, quorum: 0.66, phases: null });
});

test('findConfig looks at the named file, the directory, the user and the machine, in this order', async (t) => {
  const cwd = await temporary(t);
  const env = { XDG_CONFIG_HOME: join(cwd, 'xdg'), HOME: join(cwd, 'home') };
  assert.is(await findConfig({ explicit: 'a.toml', env, cwd }), join(cwd, 'a.toml'));
  assert.is(await findConfig({ env: { ...env, CUTOVER_CONFIG: '/b.toml' }, cwd }), '/b.toml');
  await mkdir(join(cwd, 'xdg/cutover'), { recursive: true });
  await writeFile(join(cwd, 'xdg/cutover/cutover.toml'), '');
  assert.is(await findConfig({ env, cwd }), join(cwd, 'xdg/cutover/cutover.toml'));
  await writeFile(join(cwd, 'cutover.toml'), '');
  assert.is(await findConfig({ env, cwd }), join(cwd, 'cutover.toml'));
});

test('a working directory that may not be looked into is passed over, and a file there that may not be read is not', async (t) => {
  const cwd = await temporary(t);
  const home = await temporary(t);
  const [here, own] = [join(cwd, 'cutover.toml'), join(home, 'cutover/cutover.toml')];
  await mkdir(dirname(own));
  for (const file of [here, own]) await writeFile(file, leastToml, { mode: 0o600 });
  await chmod(home, 0o755);
  const find = (): Promise<string> => findConfig({ env: { XDG_CONFIG_HOME: home }, cwd });
  assert.is(await asNobody(find), own);
  await chmod(cwd, 0o755);
  assert.is(await asNobody(find), here);
  await chmod(cwd, 0);
  await chmod(home, 0);
  assert.is(await asNobody(find), own, 'what is in the way of the own one is told');
});

test('no configuration at all names the places and the way to one', async (t) => {
  const cwd = await temporary(t);
  const error = await refusal(findConfig({ env: { HOME: cwd }, cwd }));
  for (const place of [join(cwd, 'cutover.toml'), join(cwd, '.config/cutover/cutover.toml'), '/etc/cutover']) {
    assert.ok(error.message.includes(place), place);
  }
  assert.is(error.mend, 'cutover init <unit>');
});

test('a missing file, a directory and a file of another kind end with 78', async (t) => {
  const cwd = await temporary(t);
  const missing = await refusal(loadConfig(join(cwd, 'none.toml')));
  assert.is(missing.exitCode, 78);
  assert.match(missing.message, 'there is no such file');
  assert.match((await refusal(loadConfig(cwd))).message, 'it is a directory');
  assert.match((await refusal(loadConfig(join(cwd, 'none', '\0')))).message, 'cannot read');
});

function target(name: string, builds: string): string {
  return `[targets.${name}]\nunit = "${name}"\nbuilds = "${builds}"\n`;
}

test('two targets have no builds directory in common, whichever way leads to it', async (t) => {
  const directory = await temporary(t);
  const builds = join(directory, 'builds');
  await mkdir(builds);
  await symlink('builds', join(directory, 'other'));
  const file = await fileWith(t, `app = "a"\n${target('one', builds)}${target('two', join(directory, 'other'))}`);
  const error = await refusal(loadConfig(file));
  assert.match(
    error.message,
    `targets.two.builds: the same as that of one (got "${directory}/other", which is ${builds})`,
  );
  // A directory that is not there yet is one of its own.
  await rm(builds, { recursive: true });
  assert.equal(Object.keys((await loadConfig(file)).targets), ['one', 'two']);
});

test('a pipe is no configuration, and nobody waits for one to write', async (t) => {
  const pipe = join(await temporary(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const error = await refusal(loadConfig(pipe));
  assert.equal([error.exitCode, error.message], [78, `cannot read ${pipe}: it is no file that stays`]);
});

test('an unreadable file ends with 78 and says how to read it', async (t) => {
  const file = await fileWith(t, leastToml);
  await chmod(file, 0);
  await chmod(dirname(file), 0o755);
  const error = await asNobody(() => refusal(loadConfig(file)));
  assert.is(error.exitCode, 78);
  assert.match(error.mend ?? '', 'sudo');
});

test('broken TOML is told with line and column, and without the text around', async (t) => {
  const file = await fileWith(t, 'app = "a"\ntoken = "hunter2\n');
  const error = await refusal(loadConfig(file));
  assert.match(error.message, /cutover\.toml: line 2, column \d+: /);
  assert.not.match(error.message, 'hunter2');
  assert.is(error.mend, `edit line 2 of ${file}, then: cutover config --check --config ${file}`);
});

test('S2: what is wrong with a file is mended in that file, wherever it is', async (t) => {
  const file = await fileWith(t, 'app = "a"\nnonsense = 1\n');
  const error = await refusal(loadConfig(file));
  assert.is(error.mend, `edit ${file}, then: cutover config --check --config ${file}`);
});

const secrets: [title: string, toml: string, path: string][] = [
  ['a header', '[targets.main.health]\nheaders = { Authorization = "Bearer x" }', 'health.headers.Authorization'],
  ['a cookie', '[targets.main.health]\nheaders = { cookie = "s=1" }', 'health.headers.cookie'],
  [
    "a header of one's own",
    '[targets.main.health]\nheaders = { x-internal-auth = "hunter2" }',
    'headers.x-internal-auth',
  ],
  ['a variable', 'environment = { DB_PASS = "hunter2" }', 'main.environment.DB_PASS'],
  ['a password', '[targets.main.database]\nkind = "postgres"\nurl = "postgres://a:hunter2@h/d"', 'database.url'],
  ['a token', '[[notify]]\nchannel = "telegram"\nchat = "1"\ntoken = "hunter2"', 'notify.token'],
  ['an address of a channel', '[[notify]]\nchannel = "webhook"\nurl = "https://n8n.example.org/hunter2"', 'notify.url'],
  ['a hook', '[targets.main.hooks]\nfetch = "curl -H \'Authorization: Bearer hunter2\' x"', 'hooks.fetch'],
  ['an x- key', '[x-mine]\npassword = "hunter2"', 'x-mine.password'],
];

test('W4: a secret in a file that others can read is refused', async (t) => {
  for (const [title, toml, path] of secrets) {
    const file = await fileWith(t, `${leastToml}\n${toml}\n`);
    await loadConfig(file);
    await chmod(file, 0o640);
    const error = await refusal(loadConfig(file));
    assert.match(error.message, `${path}: a secret in a file that others can read (got mode 640)`, title);
    assert.not.match(error.message, 'hunter2');
    assert.is(error.mend, `chmod 600 ${file}`);
  }
});

test('W4: a file that only names where its secrets are may be read by all', async (t) => {
  const file = await fileWith(
    t,
    `${exampleToml}\n[targets.staging.hooks]\nfetch = "curl -H 'Authorization: Bearer $TOKEN' https://u:$P@h"\n`,
  );
  await chmod(file, 0o644);
  await loadConfig(file);
});

async function fileWith(t: TestContext, text: string): Promise<string> {
  const file = join(await temporary(t), 'cutover.toml');
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-config-'));
  t.cleanup(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function refusal(promise: Promise<unknown>): Promise<CutoverError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CutoverError && error.code === 'config') return error;
  throw new Error(`expected a refusal, got ${String(error)}`);
}
