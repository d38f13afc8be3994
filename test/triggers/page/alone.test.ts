import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { start } from '../../../lib/base/exec.ts';
import { siteText } from '../../../lib/triggers/page/site.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { repository } from '../../sandboxed.ts';
import { freePort } from '../../services/free-port.ts';
import { suite } from '../../suite.ts';
import { type Answer, ask } from './asked.ts';

const test = suite('the page of the one file');

const token = 'a-token-of-many-characters';
const hush = 'planted-hush';

test('R6, W4: the built program has the page in it, and shows what it can where there is nothing to see, and no secret', async (t) => {
  const directory = await makeDirectory(t);
  const program = join(directory, 'cutover.cjs');
  await copyFile(join(repository, 'dist/cutover.cjs'), program);
  const port = await freePort();
  const config = await configIn(directory, port);
  const receiver = await start([process.execPath, program, 'serve', '--config', config], { cwd: directory });
  let said = '';
  for (const stream of [receiver.stdout, receiver.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  t.cleanup(async () => {
    receiver.kill('SIGKILL');
    await receiver.ended;
  });
  const url = `http://127.0.0.1:${port}`;
  const asked = (path: string): Promise<Answer> => ask(url + path, { headers: { authorization: `Bearer ${token}` } });
  await until(`the receiver answers: ${said}`, () => asked('/page/page.css').catch(() => false), 45_000);
  assert.is((await asked('/page/page.css')).text, siteText('page.css'));
  const { status, text } = await asked('/');
  assert.is(status, 200);
  assert.match(text, /<h1>shop<\/h1>/);
  assert.match(text, /production<\/span> <strong>(not known|down)<\/strong>/);
  assert.match(text, 'No runs yet');
  const state = await asked('/state');
  assert.match(state.text, 'http://127.0.0.1:1/health?token=[redacted]');
  for (const shown of [text, state.text, said]) assert.not.match(shown, hush);
  // What the page lives on wants the token, and so does what else tells of runs.
  for (const path of ['/', '/state', '/events', '/metrics', '/runs/20260203-151120-4f2a'])
    assert.is((await ask(url + path)).status, 401, path);
  assert.is((await asked('/runs/20260203-151120-4f2a')).status, 404);
  assert.not.match(said, token);
});

async function configIn(directory: string, port: number): Promise<string> {
  const [secretFile, tokenFile] = [join(directory, 'secret'), join(directory, 'token')];
  await writeFile(secretFile, 'a-secret-of-many-characters\n', { mode: 0o600 });
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  const path = join(directory, 'cutover.toml');
  const lines = [
    'app = "shop"',
    `state = "${directory}/state"`,
    `logs = "${directory}/logs"`,
    '[targets.production]',
    'unit = "cutover-test-of-no-such.service"',
    `builds = "${directory}/builds"`,
    'port = 1',
    `health.url = "http://127.0.0.1:1/health?token=${hush}"`,
    '[serve]',
    `listen = "127.0.0.1:${port}"`,
    `secret_file = "${secretFile}"`,
    `token_file = "${tokenFile}"`,
    '',
  ];
  await writeFile(path, lines.join('\n'), { mode: 0o600 });
  return path;
}
