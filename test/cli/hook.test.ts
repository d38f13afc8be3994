import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Command, exec, type ExecResult } from '../../lib/base/exec.ts';
import { makeDirectory } from '../builds/directory.ts';
import { executable } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/hook');

type Call = (words: string[], options?: { input?: string; below?: string }) => Promise<ExecResult>;

/** A folder with a configuration of one target, and the command line in it. */
async function makeCalling(t: TestContext): Promise<{ folder: string; call: Call }> {
  const folder = await makeDirectory(t);
  const text = `app = "shop"\nstate = "${folder}/state"\n[targets.production]\nunit = "shop"\nbuilds = "${folder}/builds"\n`;
  await writeFile(join(folder, 'cutover.toml'), text);
  const env = { CUTOVER_CONFIG: join(folder, 'cutover.toml'), DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' };
  return {
    folder,
    call: (words, { input = '', below = '.' } = {}) => {
      const command: Command = [process.execPath, executable('cutover'), ...words];
      return exec(command, { timeoutMs: 20_000, cwd: join(folder, below), env, input });
    },
  };
}

test('P2, P8: what is asked for wrongly: exit 64, and what to type', async (t) => {
  const { call } = await makeCalling(t);
  const cases: [words: string[], message: RegExp][] = [
    [['init', '--git', 'x.git', '--port', '9000'], /--git and --port are two commands/],
    [['init', '--git', 'x.git', '--install'], /--git and --install are two commands/],
    [['init', '--git', 'x.git', 'staging'], /there is no target staging/],
    [['hook', 'pre-push'], /cutover knows no hook "pre-push"\n {2}-> cutover hook post-receive/],
    [['hook', 'post-receive'], /is no git repository/],
    [['hook'], /cutover hook lacks <event>/],
  ];
  for (const [words, message] of cases) {
    const { code, stdout, stderr } = await call(words);
    assert.equal([code, stdout], [64, ''], words.join(' '));
    assert.match(stderr, message);
  }
});

test('P2, P8: a repository is made, told, and its pushes are read; what cannot be reached is said in words', async (t) => {
  const { folder, call } = await makeCalling(t);
  const made = JSON.parse((await call(['init', '--git', 'shop.git', 'production', '--json'])).stdout);
  assert.equal([made.target, made.files.length], ['production', 2]);
  assert.match(made.next[0], new RegExp(`^git remote add production \\S+@\\S+:${folder}/shop.git$`));
  const told = await call(['init', '--git', 'shop.git', 'production', '--dry-run']);
  assert.match(told.stdout, `unchanged ${folder}/shop.git/hooks/post-receive (mode 0755)`);
  const commit = '1'.repeat(40);
  const input = `- ${commit} refs/heads/main\n- ${commit} refs/tags/v1\n`;
  const pushed = await call(['hook', 'post-receive', '--json'], { input, below: 'shop.git' });
  const { targets, ignored } = JSON.parse(pushed.stdout);
  assert.equal([pushed.code, targets[0].exit_code, targets[0].error.code], [69, 69, 'systemd_unavailable']);
  assert.equal(ignored, [{ ref: 'refs/tags/v1', why: 'it is no branch' }]);
  assert.match(pushed.stderr, 'production: systemd cannot be reached, and nothing was changed (exit code 69)');
  assert.match(
    pushed.stderr,
    `cd ${folder}/shop.git && echo '- ${commit} refs/heads/main' | cutover hook post-receive`,
  );
  const nothing = await call(['hook', 'post-receive'], { input: `- ${commit} refs/heads/idea\n`, below: 'shop.git' });
  assert.equal([nothing.code, nothing.stdout], [0, 'refs/heads/idea: no target is bound to this branch']);
  for (const garbage of ['garbage\n', `- ${commit} refs/heads/main\nmain\n`]) {
    const { code, stderr } = await call(['hook', 'post-receive'], { input: garbage, below: 'shop.git' });
    assert.is(code, 64, stderr);
    assert.match(stderr, /that is no "old new ref" line\n {2}-> echo '- COMMIT refs\/heads\/BRANCH' \| cutover hook/);
    assert.not.match(stderr, '-> production');
  }
});
