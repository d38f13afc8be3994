import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { exec, type ExecResult } from '../../lib/base/exec.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { requireDebian } from '../debian.ts';

const test = suite('examples/ci-files');
const folder = join(repository, 'examples/ci');
const timeoutMs = 30_000;
const call = promisify(execFile);

test('P2: the scripts are clean for shellcheck, and for every shell that is here', async () => {
  requireDebian({ shellcheck: '/usr/bin/shellcheck' });
  const files = ['deploy.sh', 'ssh-command.sh'];
  const checked = await exec(['shellcheck', '--external-sources', '--check-sourced', ...files], {
    timeoutMs,
    cwd: folder,
  });
  assert.is(checked.stdout + checked.stderr, '');
  const parts = ['webhook.sh', 'ssh.sh', 'recovery.sh'].map((name) => `parts/${name}`);
  for (const shell of ['dash', 'bash']) {
    for (const file of [...files, ...parts]) await call(shell, ['-n', join(folder, file)]);
  }
});

test('W2: a signature is what everybody else makes of that secret and that body', async (t) => {
  const place = await temporary(t);
  const [secretFile, bodyFile] = [join(place, 'secret'), join(place, 'body')];
  const code = `. '${folder}/parts/webhook.sh'; secret_file=$1; signature_of "$2"`;
  for (const [length, text] of [
    [1, ''],
    [32, '1700000000.{"branch":"main"}'],
    [63, 'ä'],
    [64, '%s\\n'],
    [65, randomBytes(2000).toString('latin1')],
    [300, '\0\0'],
  ] as const) {
    const secret = randomBytes(300).toString('base64').slice(0, length);
    await writeFile(secretFile, `${secret}\n`);
    await writeFile(bodyFile, text);
    const expected = createHmac('sha256', secret).update(text).digest('hex');
    for (const shell of ['dash', 'bash']) {
      const { stdout } = await call(shell, ['-c', code, shell, secretFile, bodyFile]);
      assert.is(stdout.trim(), expected, `${length} characters, ${shell}`);
    }
  }
});

/** What a client may ask for, and what is then run on the server. */
const granted: [asked: string, run: string][] = [
  ['deploy production --json --wait=10min', 'cutover deploy production --json --wait=10min'],
  ['cutover deploy production 20260203-151116', 'cutover deploy production 20260203-151116'],
  ['sudo cutover status production --json', 'cutover status production --json'],
  ['sudo -n cutover status production', 'cutover status production'],
  ['history staging --limit=5', 'cutover history staging --limit=5'],
  ['report production 20260203-151120-4f2a --json', 'cutover report production 20260203-151120-4f2a --json'],
  ['logs production --unit', 'cutover logs production --unit'],
  // Without names it is those of this key, not all of the machine.
  ['recover --json', 'cutover recover --json production staging'],
  ['recover --only=staging,production', 'cutover recover --only=staging,production'],
  ['restart-receiver', 'systemctl restart cutover-serve.service'],
  ['sudo systemctl restart cutover-serve.service', 'systemctl restart cutover-serve.service'],
];

const refused = [
  '',
  ' ',
  'id',
  'sh',
  'deploy',
  'deploy other',
  'deploy production; id',
  'deploy production && id',
  'deploy production | id',
  'deploy $(id)',
  'deploy `id`',
  'deploy production\nid',
  'deploy production > file',
  'deploy pro*',
  'deploy production ../../etc',
  'deploy production .hidden',
  "deploy 'production'",
  'deploy production --force',
  'deploy production --fix-forward',
  'deploy production --config=x.toml',
  'deploy production --config x.toml',
  'deploy --config other production',
  'deploy production one two',
  'deploy -- production',
  'recover other',
  'recover production other',
  'recover --only=other',
  'recover --only=production,other',
  'recover --only=production,,staging',
  'recover-one production',
  'rollback production',
  'restore production file',
  'settle production',
  'config',
  'hook post-receive',
  'serve',
  'status',
  'status other',
  'history production other',
  'systemctl restart shop.service',
  'systemctl restart cutover-serve.service shop.service',
  'systemctl poweroff',
  'sudo',
  'sudo -n',
  'sudo -u nobody cutover status production',
  'sudo sudo cutover status production',
  'cutover cutover status production',
  'scp -f .',
  'internal-sftp',
  `deploy production ${'x'.repeat(2000)}`,
];

test('P2: the command of a key does what it is for, and nothing else', async (t) => {
  const place = await temporary(t);
  for (const name of ['cutover', 'systemctl', 'id', 'sudo'])
    await writeFile(join(place, name), `#!/bin/sh\necho "${name} $*"\n`, { mode: 0o755 });
  for (const [asked, expected] of granted) {
    const { code, stdout, stderr } = await asKey(place, asked);
    assert.equal([code, stdout.trim()], [0, expected], `${asked}: ${stderr}`);
  }
  for (const asked of refused) {
    const { code, stdout, stderr } = await asKey(place, asked);
    assert.equal([code, stdout], [77, ''], asked);
    assert.match(stderr, /^cutover-ssh-command: refused: .+$/);
  }
});

test('P2: a key for one target recovers that one', async (t) => {
  const place = await temporary(t);
  await writeFile(join(place, 'cutover'), '#!/bin/sh\necho "cutover $*"\n', { mode: 0o755 });
  assert.is((await asKey(place, 'recover', 'staging')).stdout, 'cutover recover staging');
  assert.is((await asKey(place, 'recover production', 'staging')).code, 77);
  assert.is((await asKey(place, 'recover')).code, 0);
  assert.is((await asKey(place, 'recover', '')).code, 77, 'a key for nothing');
});

/** The script with an ssh of the test's own; what it leaves in its reports is beside it. */
async function jobWith(t: TestContext, ssh: string, words: string[], env: Record<string, string> = {}) {
  const place = await temporary(t);
  await writeFile(join(place, 'ssh'), `#!/bin/sh\n${ssh}\n`, { mode: 0o755 });
  const own = { PATH: `${place}:/usr/bin:/bin`, REPORTS: join(place, 'reports'), CUTOVER_SSH_WAIT: '1' };
  const job = await exec([join(folder, 'deploy.sh'), ...words], { timeoutMs, env: { ...own, ...env } });
  return { ...job, left: (name: string) => readFile(join(place, 'reports', name), 'utf8').catch(() => '') };
}

test('R3: a server that refuses to begin a recovery is quoted', async (t) => {
  const refusal = 'cutover-ssh-command: refused: this key is not for the target third';
  const words = ['--recover', 'only', 'aux,third'];
  const job = await jobWith(t, `echo '${refusal}' >&2; exit 77`, words, { CUTOVER_SSH: 'deploy@server' });
  assert.is(job.code, 77, job.stdout + job.stderr);
  assert.match(job.stdout, `the recovery did not begin: ${refusal} (exit 77)`);
  assert.match(await job.left('issue-title.txt'), `Recovery failed: the recovery did not begin: ${refusal}`);
});

test('W2: where no server is set there is nothing to try again', async (t) => {
  const cases: [words: string[], end: string][] = [
    [['production'], 'no way is left: no receiver is set (CUTOVER_URL); ssh: no server is set (CUTOVER_SSH) (exit 69'],
    [
      ['--recover', 'full'],
      'the recovery did not begin: no way led to the server: no server is set (CUTOVER_SSH) (exit 69',
    ],
  ];
  for (const [words, end] of cases) {
    const { code, stdout } = await jobWith(t, 'echo called; exit 0', words);
    assert.is(code, 69, stdout);
    assert.match(stdout, end);
    assert.not.match(stdout, /attempt|called/);
  }
});

test('R3: a recovery that fails before it begins leaves an issue too, and one that succeeds or only looks leaves none', async (t) => {
  const server = { CUTOVER_SSH: 'deploy@server' };
  const cases: [words: string[], env: Record<string, string>, code: number, isTold: boolean][] = [
    [['--recover', 'only', ''], server, 64, true],
    [['--recover', 'all'], server, 64, true],
    [['--recover', 'full'], { ...server, CUTOVER_SSH_KEY_FILE: '/nonexistent' }, 78, true],
    [['--recover', 'status'], { ...server, CUTOVER_SSH_KEY_FILE: '/nonexistent' }, 78, false],
    [['--recover', 'full'], server, 0, false],
  ];
  const answer = `echo '{"targets":[],"healthy":0,"total":0}'`;
  for (const [words, env, code, isTold] of cases) {
    const job = await jobWith(t, answer, words, env);
    const about = words.join(' ');
    assert.is(job.code, code, `${about}: ${job.stdout}${job.stderr}`);
    for (const name of ['issue-title.txt', 'issue.md']) assert.is((await job.left(name)) !== '', isTold, about);
  }
});

test('R3: names are for the recovery of some services: left in a form, they are no mistake of another', async (t) => {
  const answer = `echo "$*" >&2; echo '{"targets":[],"healthy":0,"total":0}'`;
  for (const [kind, option] of [
    ['full', ''],
    ['status', ' --status-only'],
  ] as const) {
    const job = await jobWith(t, answer, ['--recover', kind, 'backend,mcp'], { CUTOVER_SSH: 'deploy@server' });
    assert.is(job.code, 0, job.stdout + job.stderr);
    assert.match(job.stderr, `cutover recover${option} --json`);
  }
});

test('R3: a recovery of some services wants their names, and tells of it', async (t) => {
  const script = join(repository, 'examples/recovery/recover.sh');
  for (const shell of ['dash', 'bash']) {
    const place = await temporary(t);
    const { code, stderr } = await exec([shell, script, 'only'], { timeoutMs, env: { REPORTS: place } });
    assert.equal([code, stderr.trim()], [64, 'recover.sh only: which services? Such as: recover.sh only backend,mcp']);
    assert.is.not(await readFile(join(place, 'issue.md'), 'utf8'), '');
  }
});

test('R3: a recovery that no server answers leaves an issue', async (t) => {
  const place = await temporary(t);
  const env = { REPORTS: place, ON: 'false', PATH: process.env.PATH ?? '' };
  const { code } = await exec([join(repository, 'examples/recovery/recover.sh'), 'full'], { timeoutMs, env });
  assert.is(code, 1);
  assert.match(await readFile(join(place, 'issue.md'), 'utf8'), 'came to no end');
});

interface Step {
  run?: string;
  uses?: string;
}

interface Workflow {
  permissions: Record<string, string>;
  concurrency: { group: string; 'cancel-in-progress': boolean };
  jobs: Record<string, { steps: Step[]; 'timeout-minutes': number }>;
}

test('P2 R3: the workflows of GitHub call the script, with no more rights than they need', async () => {
  const rights = { deploy: { contents: 'read' }, recover: { contents: 'read', issues: 'write' } };
  for (const [name, permissions] of Object.entries(rights)) {
    const workflow = (await readYaml(`github/${name}.yml`)) as Workflow;
    assert.equal(workflow.permissions, permissions);
    assert.is(workflow.concurrency['cancel-in-progress'], false);
    const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
    for (const job of Object.values(workflow.jobs)) assert.ok(job['timeout-minutes'] > 0);
    const runs = steps.flatMap(({ run }) => run ?? []);
    assert.ok(runs.some((run) => run.startsWith('ci/deploy.sh ')));
    // An expression in a script is text that somebody may have chosen.
    for (const run of runs) assert.match(run, /^(ci\/deploy\.sh|gh issue create) (?!.*\$\{\{)/);
    for (const { uses } of steps) if (uses !== undefined) assert.match(uses, /^actions\/[a-z-]+@v\d+$/);
  }
});

test('P2: main goes to production and develop to staging, one at a time', async () => {
  const deploy = await readFile(join(folder, 'github/deploy.yml'), 'utf8');
  assert.match(deploy, 'branches: [main, develop]');
  assert.is(deploy.split("github.ref_name == 'main' && 'production' || 'staging'").length, 3);
  interface GitlabJob {
    variables?: Record<string, string>;
    rules?: { if: string; when?: string }[];
    script?: string[];
    resource_group?: string;
  }
  const gitlab = (await readYaml('gitlab-ci.yml')) as Record<string, GitlabJob>;
  assert.equal(gitlab.production?.variables, { TARGET: 'production' });
  assert.match(gitlab.production?.rules?.[0]?.if ?? '', '$CI_COMMIT_BRANCH == "main"');
  assert.match(gitlab.staging?.rules?.[0]?.if ?? '', '$CI_COMMIT_BRANCH == "develop"');
  assert.is(gitlab['.target']?.variables?.TARGET, 'staging');
  assert.is(gitlab['.deploy']?.resource_group, '$TARGET');
  const scripts = Object.values(gitlab).flatMap(({ script = [] }) => script);
  assert.equal(scripts, ['ci/deploy.sh "$TARGET"', 'ci/deploy.sh --recover "$KIND" "$SERVICES"']);
  for (const name of ['recover-production', 'recover-staging']) assert.is(gitlab[name]?.rules?.[0]?.when, 'on_failure');
});

test('P2: what the files of CI set is what the script reads, and no server is taken at its word', async () => {
  const shell = await Promise.all(
    ['deploy.sh', 'parts/webhook.sh', 'parts/ssh.sh', 'parts/recovery.sh'].map((name) =>
      readFile(join(folder, name), 'utf8'),
    ),
  );
  const known = new Set(shell.join('\n').match(/CUTOVER_[A-Z_]+/g));
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const files = ['github/deploy.yml', 'github/recover.yml', 'gitlab-ci.yml', 'Jenkinsfile'];
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8');
    const unknown = (text.match(/CUTOVER_[A-Z_]+/g) ?? []).filter((name) => !known.has(name));
    assert.equal(unknown, [], file);
    for (const [, path = ''] of text.matchAll(/\bci\/([\w.-]+\.sh)/g)) assert.ok(existsSync(join(folder, path)), path);
    assert.not.match(text, /StrictHostKeyChecking|set -x|\beval\b/);
  }
  assert.match(shell.join('\n'), 'StrictHostKeyChecking yes');
  assert.equal(
    [...known].filter((name) => !readme.includes(`\`${name}\``)),
    [],
    'each is in the README',
  );
});

test('P2: the Jenkinsfile has the script do the work', async () => {
  const text = await readFile(join(folder, 'Jenkinsfile'), 'utf8');
  const commands = [...text.matchAll(/overSsh\('([^']+)'\)/g)].map(([, command]) => command);
  assert.equal(commands, ['ci/deploy.sh "$TARGET"', 'ci/deploy.sh --recover full', 'ci/deploy.sh --recover full']);
  assert.is(text.split('{').length, text.split('}').length);
  assert.match(text, 'disableConcurrentBuilds()');
});

/** As sshd runs it: by the shell of the account, with what the client asked for in one variable. */
async function asKey(place: string, asked: string, targets = 'production staging'): Promise<ExecResult> {
  const env = { PATH: `${place}:/usr/bin:/bin`, SSH_ORIGINAL_COMMAND: asked };
  return exec(['/bin/sh', '-c', `${join(folder, 'ssh-command.sh')} ${targets}`], { timeoutMs, env });
}

async function readYaml(name: string): Promise<unknown> {
  requireDebian({ 'python3-yaml': '/usr/lib/python3/dist-packages/yaml/__init__.py' });
  const code = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))';
  const { stdout } = await call('/usr/bin/python3', ['-c', code, join(folder, name)]);
  return JSON.parse(stdout);
}

async function temporary(t: TestContext): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'cutover-ci-'));
  t.cleanup(() => rm(place, { recursive: true, force: true }));
  return place;
}
