import { parse } from 'smol-toml';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { directConfig } from '../../lib/config/direct.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import { suite } from '../suite.ts';
import { exampleToml, leastToml } from './example.ts';

const test = suite('config/parse');

/** A line added to the table [targets.main] (or elsewhere, with a heading), and what is said of it. */
const wrongInputs: [toml: string, told: string][] = [
  ['unti = "x"', 'targets.main.unti: unknown key; did you mean unit?'],
  ['zzzzzz = "x"', 'targets.main.zzzzzz: unknown key; expected one of unit, builds'],
  ['[targets.main.helth]\nurl = "x"', 'targets.main.helth: unknown key; did you mean health?'],
  ['[targtes]', 'targtes: unknown key; did you mean targets?'],
  ['allow_force = "yes"', 'targets.main.allow_force: wrong kind of value (got "yes"); expected true or false'],
  ['keep = 1.5', 'targets.main.keep: wrong kind of value (got 1.5); expected a whole number, 0 or more'],
  ['keep = -1', 'targets.main.keep: out of range (got -1)'],
  ['port = 0', 'targets.main.port: out of range (got 0); expected a port from 1 to 65535'],
  ['port = [1, 65536]', 'targets.main.port[1]: out of range (got 65536)'],
  ['port = "9000"', 'targets.main.port: wrong kind of value (got "9000")'],
  ['strategy = "restrat"', 'targets.main.strategy: unknown word (got "restrat"); expected one of "restart", "socket"'],
  ['environment = { A = 1 }', 'targets.main.environment.A: wrong kind of value (got 1); expected a text'],
  ['environment = { "A-B" = "1" }', 'targets.main.environment.A-B: wrong name (got "A-B")'],
  ['environment = "x"', 'targets.main.environment: wrong kind of value (got "x")'],
  ['stop = "30s"', 'targets.main.stop: wrong kind of value (got "30s"); expected a table: [targets.main.stop]'],
  ['stop.timeout = "soon"', 'targets.main.stop.timeout: cannot be read (got "soon"); expected a duration'],
  ['stop.timeout = 0', 'targets.main.stop.timeout: out of range (got 0)'],
  ['start.timeout = "30d"', 'targets.main.start.timeout: out of range (got "30d")'],
  ['start.timeout = 2020-01-01', 'targets.main.start.timeout: wrong kind of value (got the date 2020-01-01'],
  ['limits.memory = "5x"', 'targets.main.limits.memory: cannot be read (got "5x"); expected a size'],
  ['limits.memory = true', 'targets.main.limits.memory: wrong kind of value (got true)'],
  ['limits.disk_used = "180%"', 'targets.main.limits.disk_used: more than the whole (got "180%")'],
  ['limits.cpu = 2', 'targets.main.limits.cpu: not a share of a processor (got 2)'],
  ['limits.memory_spike = "3"', 'targets.main.limits.memory_spike: wrong kind of value (got "3"); expected a number'],
  ['limits.journal_pattern = "("', 'targets.main.limits.journal_pattern: Invalid regular expression'],
  ['health.url = "127.0.0.1:9000"', 'targets.main.health.url: not such an address (got "127.0.0.1:9000")'],
  ['health.url = ["http://a", "ftp://b"]', 'targets.main.health.url[1]: not such an address (got "ftp://b")'],
  ['health.url = "ftp://u:hunter2@b"', 'targets.main.health.url: not such an address (got "ftp://u:[redacted]@b")'],
  ['health.status = "6xx"', 'targets.main.health.status: not an HTTP status (got "6xx")'],
  ['health.status = [200, true]', 'targets.main.health.status[1]: not an HTTP status (got true)'],
  ['health.json = { a = [1] }', 'targets.main.health.json.a: wrong kind of value (got [1])'],
  ['health.headers = { "a b" = "c" }', 'targets.main.health.headers.a b: wrong name'],
  ['health.headers = { a = "b\\nc" }', 'targets.main.health.headers.a: more than one line'],
  ['health.headers = { authorization = 5 }', 'health.headers.authorization: wrong kind of value (got [redacted])'],
  ['hooks.test = 5', 'targets.main.hooks.test: wrong kind of value (got 5); expected a shell command'],
  ['hooks.test = { rum = "x" }', 'targets.main.hooks.test.rum: unknown key; did you mean run?'],
  ['hooks.test = { rum = "x" }', 'targets.main.hooks.test.run: missing; expected a shell command'],
  ['hooks.test = { run = [1] }', 'targets.main.hooks.test.run: not a command (got [1])'],
  ['hooks.smoke = ["a", { run = "b", timeout = "x" }]', 'targets.main.hooks.smoke[1].timeout: cannot be read'],
  ['hooks.test = { run = "a", dir = "b" }', 'targets.main.hooks.test.dir: not an absolute path (got "b")'],
  ['database = { kind = "mysql" }', 'targets.main.database.kind: unknown word (got "mysql")'],
  ['database = { path = "/a" }', 'targets.main.database.kind: missing'],
  ['database = { kind = "sqlite" }', 'targets.main.database.path: missing'],
  ['database = { kind = "postgres" }', 'targets.main.database.url_file: missing'],
  ['database = { kind = "postgres", url = "pg:/u:p@h" }', 'database.url: not such an address (got "[redacted]")'],
  ['checks = { kind = "tcp" }', 'targets.main.checks: wrong kind of value'],
  ['[[targets.main.checks]]\nname = "a"\nkind = "tcpp"', 'checks[0].kind: unknown word (got "tcpp")'],
  ['[[targets.main.checks]]\nname = "a"\nkind = "tcp"', 'targets.main.checks[0].port: missing'],
  ['[[targets.main.checks]]\nname = "a"\nkind = "tcp"\nport = 1\npath = "/a"', 'checks[0].path: unknown key'],
  ['[[targets.main.checks]]\nname = "a"\nkind = "processes"', 'checks[0]: missing; expected count, min or max'],
  ['[[targets.main.checks]]\nname = "a"\nkind = "env"\npath = "/a"\nmode = 600', 'checks[0].mode: wrong kind of value'],
  [
    '[[targets.main.checks]]\nname = "a"\nkind = "env"\npath = "/a"\nmode = "888"',
    'mode: not permission bits (got "888")',
  ],
  ['[[targets.main.checks]]\nname = "a"\nkind = "log"\npattern = ""', 'checks[0].pattern: empty'],
  [
    '[[targets.main.checks]]\nname = "a"\nkind = "log"\npattern = "E"\npath = "/a"\nsince = "1h"',
    'targets.main.checks[0].since: of a file',
  ],
  ...['disk', 'database', 'quarantine'].map((name): [string, string] => [
    `[[targets.main.checks]]\nname = "${name}"\nkind = "tcp"\nport = 1`,
    `targets.main.checks[0].name: the name of a check of cutover itself (got "${name}")`,
  ]),
  ['[targets.other]\nunit = "app"\nbuilds = "/b"', 'targets.other.unit: the same as that of main (got "app.service")'],
  ['[targets.other]\nunit = "b"\nbuilds = "/srv/app/builds/"', 'targets.other.builds: the same as that of main'],
  ['[targets.other]', 'targets.other.unit: missing; expected the name of a service unit'],
  ['[targets."a b"]\nunit = "b"\nbuilds = "/b"', 'targets.a b: wrong form'],
  ['[targets.b]\nunit = "b.socket"\nbuilds = "/b"', 'targets.b.unit: not a service unit (got "b.socket")'],
  ['[targets.b]\nunit = "b@"\nbuilds = "/b"', 'targets.b.unit: a template without an instance'],
  ['[targets.b]\nunit = "b"\nbuilds = "b"', 'targets.b.builds: not an absolute path (got "b")'],
  [
    '[recovery]\nphases = [["man"]]',
    'recovery.phases[0]: no such target (got "man"); expected the name of a target; did',
  ],
  ['[recovery]\nphases = [["main"], ["main"]]', 'recovery.phases[1]: named twice'],
  ['[recovery]\nquorum = 66', 'recovery.quorum: out of range (got 66); expected a number from 0 to 1'],
  ['[[notify]]\nchannel = "telegram"', 'notify[0].chat: missing'],
  ['[[notify]]\nchannel = "slack"\non = ["deploy"]', 'notify[0].on[0]: unknown word (got "deploy")'],
  ['[serve]\nlisten = "4040"', 'serve.listen: wrong form (got "4040")'],
  ['[serve]\nsecret = "x"', 'serve.secret: unknown key; expected one of listen, secret_file, token_file'],
  ['[defaults.stop]\ntimeout = "soon"', 'defaults.stop.timeout: cannot be read (got "soon")'],
  ['[defaults]\nstopp = 1', 'defaults.stopp: unknown key; did you mean stop?'],
];

test('each wrong value is told with its path, what it is, and what was expected', () => {
  for (const [toml, told] of wrongInputs) {
    const { message } = refusal(`${leastToml}${toml}\n`);
    assert.ok(message.includes(told), `${toml}\n  said: ${message}\n  not:  ${told}`);
    assert.not.match(message, 'hunter2');
  }
});

test('all that is wrong is told at once, one line each, and once only', () => {
  const { message, exitCode, mend } = refusal(`
    app = "a/b"
    nonsense = 1
    [defaults]
    keep = "x"
    [targets.a]
    unit = "a"
    [targets.b]
    unit = "a"
    builds = "/b"
    port = 0`);
  const paths = message.split('\n').map((line) => line.split(':')[0]);
  assert.equal(paths, ['nonsense', 'app', 'defaults.keep', 'targets.a.builds', 'targets.b.port', 'targets.b.unit']);
  assert.is(exitCode, 78);
  assert.match(mend ?? '', 'edit f.toml');
});

test('what should be a table and is none is told so', () => {
  const { message } = refusal('app = "a"\ndefaults = 1\n[targets]\nmain = "x"');
  assert.match(message, 'defaults: wrong kind of value (got 1); expected a table: [defaults]');
  assert.match(message, 'targets.main: wrong kind of value (got "x"); expected a table: [targets.main]');
});

test('no target, no document, and no app are refused', () => {
  assert.match(refusal('app = "a"').message, 'targets: there are none');
  assert.match(refusal('').message, 'app: missing');
  assert.throws(() => parseConfig(null, 'f.toml'), /app: missing/);
});

test('the least file gets every default of the contract', () => {
  const { targets, ...rest } = parsed(leastToml);
  assert.equal(rest, {
    file: 'f.toml',
    app: 'app',
    manager: 'system',
    state: '/var/lib/cutover',
    logs: '/var/log/cutover',
    metrics: null,
    notify: [],
    recovery: null,
    serve: null,
  });
  assert.equal(targets.main, {
    name: 'main',
    unit: 'app.service',
    builds: '/srv/app/builds',
    strategy: 'restart',
    ports: [],
    branch: 'main',
    allowForce: false,
    keep: 5,
    environment: {},
    stopTimeoutMs: 30_000,
    startTimeoutMs: 60_000,
    health: {
      urls: [],
      statuses: [[200, 200]],
      json: {},
      body: null,
      headers: {},
      attempts: 10,
      intervalMs: 3000,
      timeoutMs: 5000,
      successes: 1,
      healthyForMs: 0,
      identity: true,
      standinUrl: null,
    },
    limits: {
      diskUsed: { percent: 80 },
      memoryAvailable: { bytes: 524_288_000 },
      memoryBytes: null,
      memorySpike: 3,
      cpuPercent: null,
      journalErrors: 0,
      journalPattern: null,
    },
    hooks: {},
    database: null,
    checks: [],
    monitor: null,
  });
});

test('S10, B5: a monitor of no words looks every 5 minutes, and every 15 where that is written', () => {
  const monitor = { everyMs: 300_000, failures: 3, action: 'restart', bakeMs: 0 };
  assert.equal(parsed(`${leastToml}monitor = {}`).targets.main?.monitor, monitor);
  const quarter = parsed(`${leastToml}monitor = { every = "15min" }`).targets.main?.monitor;
  assert.equal(quarter, { ...monitor, everyMs: 900_000 });
});

test('P3, B2: of backups the last 3 are kept, for 7 days, and one that failed only warns', () => {
  const { database } =
    parsed(`${leastToml}database = { kind = "sqlite", path = "/srv/app/app.db" }`).targets.main ?? {};
  assert.equal(database, {
    kind: 'sqlite',
    path: '/srv/app/app.db',
    url: null,
    urlFile: null,
    backups: '/var/backups/cutover',
    keep: 3,
    keepForMs: 7 * 86_400_000,
    required: false,
    restoreOnRollback: false,
    verify: null,
  });
});

test('S7: force is refused unless the target allows it', () => {
  assert.is(parsed(leastToml).targets.main?.allowForce, false);
  assert.is(parsed(`${leastToml}allow_force = true`).targets.main?.allowForce, true);
});

test('targets inherit [defaults] key by key, and win over them', () => {
  const { production, staging } = parsed(exampleToml).targets;
  assert.is(production?.keep, 7);
  assert.equal(production?.environment, { NODE_ENV: 'production', LANG: 'C' });
  assert.equal(production?.health.headers, { accept: 'application/json', 'user-agent': 'cutover' });
  assert.is(production?.health.attempts, 5);
  assert.is(production?.database?.kind, 'sqlite');
  assert.is(staging?.database?.kind, 'postgres');
  assert.is(staging?.monitor, null);
});

test('a hook of the target replaces that of [defaults] whole', () => {
  const { targets } = parsed(
    `${leastToml}hooks.migrate = "b"\n[defaults.hooks]\nmigrate = { run = "a", fallback = "c" }\ntest = "t"`,
  );
  assert.equal(targets.main?.hooks.migrate?.[0]?.fallback, null);
  assert.equal(targets.main?.hooks.test?.[0]?.run, { shell: 't' });
});

test('keys that begin with x- pass in every table', () => {
  parsed(`x-a = 1\n${leastToml}x-b = 2\nhealth.x-c = 3\nhooks.test = { run = "a", x-d = 4 }\n[targets.x-e]\nf = 5`);
});

test('nested tables spell dotted paths of the JSON body', () => {
  const { targets } = parsed(`${leastToml}health.json.services.redis = "up"`);
  assert.equal(targets.main?.health.json, { 'services.redis': 'up' });
});

test('the user manager keeps its state where XDG says', () => {
  assert.equal(places({ XDG_STATE_HOME: '/x', HOME: '/h' }), ['/x/cutover', '/x/cutover/logs']);
  assert.equal(places({ XDG_STATE_HOME: 'relative', HOME: '/h' }), [
    '/h/.local/state/cutover',
    '/h/.local/state/cutover/logs',
  ]);
  assert.equal(places({ HOME: '/h' }, 'state = "/s"\nlogs = "/l"\n'), ['/s', '/l']);
});

/** A configuration whose target has this branch. */
function boundTo(branch: string): unknown {
  return { app: 'shop', targets: { main: { unit: 'a', builds: '/b', branch } } };
}

test('P2: the branch whose pushes are deployed: what git takes for one, or none', () => {
  for (const branch of ['main', 'feature/new', 'v1.2', ''])
    assert.is(parseConfig(boundTo(branch), null).targets.main?.branch, branch);
  for (const branch of ['refs/heads/main', '-f', 'a b', 'a..b^', 'x:y', '/a', '.a'])
    assert.throws(() => parseConfig(boundTo(branch), null), /targets.main.branch: wrong form/, branch);
});

test('S9: unit, builds directory and ports are enough without a file', () => {
  const config = directConfig({ unit: 'app', builds: '/srv/app', ports: [9000], manager: 'system' });
  assert.is(config.file, null);
  assert.is(config.app, 'direct');
  assert.equal(Object.keys(config.targets), ['app']);
  assert.is(config.targets.app?.unit, 'app.service');
  assert.equal(config.targets.app?.ports, [9000]);
  const instance = directConfig({ unit: 'a@b.service', builds: '/srv/app', ports: [], manager: 'user' });
  assert.equal(Object.keys(instance.targets), ['a-b']);
  assert.throws(
    () => directConfig({ unit: 'a.socket', builds: 'x', ports: [0], manager: 'user' }),
    /not a service unit/,
  );
});

function places(env: Record<string, string>, more = ''): string[] {
  const { state, logs } = parseConfig(parse(`manager = "user"\n${more}${leastToml}`), 'f.toml', { env });
  return [state, logs];
}

function parsed(toml: string) {
  return parseConfig(parse(toml), 'f.toml', { env: {} });
}

function refusal(toml: string): CutoverError {
  try {
    parsed(toml);
  } catch (error) {
    if (error instanceof CutoverError && error.code === 'config') return error;
    throw error;
  }
  throw new Error(`nothing was said of ${toml}`);
}
