// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Candidate } from '../../lib/deployer/init/candidates.ts';
import { makeSite, type Site, until } from './site.ts';
import { ctrlC, ctrlD, typeAnswers } from './typed.ts';
import { suite, type TestContext } from '../suite.ts';
import { clearAfter, machineConfig, refused, snapshot, textOf, unitDirectory } from './initiating.ts';
import type { TestSandbox } from '../sandboxed.ts';

const test = suite('deploy/init propose', { timeoutMs: 120_000 });

interface Proposal {
  candidates: Candidate[];
  next: string[];
  error?: { code: string; mend: string };
  exit_code: number;
}

async function siteWith(t: TestContext): Promise<Site> {
  const site = await makeSite(t);
  clearAfter(t, site.sandbox);
  // Only what makeSite has put there, and nothing of cutover's own, is to be found.
  const others = `cd ${unitDirectory} && rm -f shop[0-9]*.service.d/own.conf`;
  await site.sandbox.run('sh', '-c', others);
  return site;
}

async function proposed(sandbox: TestSandbox, ...words: string[]): Promise<{ code: number | null; told: Proposal }> {
  const { code, stdout } = await sandbox.cutover(['init', '--json', ...words]);
  return { code, told: JSON.parse(stdout) as Proposal };
}

/** A service in a plain folder that is a checkout. */
async function startPlain(t: TestContext, sandbox: TestSandbox): Promise<string> {
  const name = 'plain.service';
  const [file, folder] = [`${unitDirectory}/${name}`, '/srv/plain'];
  const script = `require('http').createServer((_, r) => r.end('ok')).listen(9933, '127.0.0.1')`;
  const git = '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://me:secret-word@git.example/shop.git\n';
  await sandbox.run('mkdir', '-p', `${folder}/.git`);
  await writeFile(sandbox.hostPath(`${folder}/.git/config`), git);
  await writeFile(sandbox.hostPath(`${folder}/.git/HEAD`), 'ref: refs/heads/main\n');
  const service = ['[Service]', `WorkingDirectory=${folder}`, `ExecStart=${process.execPath} -e "${script}"`];
  await writeFile(sandbox.hostPath(file), `${service.join('\n')}\n`);
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', name]);
    await sandbox.run('rm', '-rf', file, folder);
    await sandbox.run('systemctl', 'daemon-reload');
  });
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', name);
  await until('it listens', async () => (await sandbox.run('ss', '-Hltn')).includes(':9933'));
  return name;
}

test('one service: what was seen of it, the command that sets it up, and nothing is written', async (t) => {
  const site = await siteWith(t);
  const { sandbox, unit, port, builds } = site;
  const before = await snapshot(sandbox, '/etc', '/var/lib/cutover');
  const { code, told } = await proposed(sandbox);
  const [found] = told.candidates;
  assert.equal([code, told.candidates.length, told.next], [0, 1, [`cutover init ${unit}`]]);
  assert.equal(
    [found?.unit, found?.state, found?.ports, found?.layout, found?.builds, found?.problem],
    [unit, 'active', [port], 'builds', builds, null],
  );
  const inWords = await sandbox.cutover(['init']);
  assert.match(inWords.stdout, new RegExp(`${unit} +active +port ${port} +builds in ${builds}\n`));
  assert.is(await snapshot(sandbox, '/etc', '/var/lib/cutover'), before);
  assert.is((await sandbox.cutover((told.next[0] ?? '').split(' ').slice(1))).code, 0);
  const again = await proposed(sandbox);
  assert.equal([again.told.candidates[0]?.target, again.told.next], ['production', ['cutover init --install']]);
  assert.match((await refused(sandbox, '--port', '9')).message, '--port is about a unit');
});

test('several: a choice is needed; a checkout in a plain folder, without the secret of its address', async (t) => {
  const { sandbox, unit } = await siteWith(t);
  const plain = await startPlain(t, sandbox);
  const { code, told } = await proposed(sandbox);
  assert.equal([code, told.exit_code, told.error?.code], [64, 64, 'usage']);
  assert.equal(
    told.candidates.map((one) => [one.unit, one.layout]),
    [
      [plain, 'directory'],
      [unit, 'builds'],
    ],
  );
  const repositoryOf = told.candidates[0]?.repository;
  assert.is(repositoryOf?.branch, 'main');
  assert.not.match(JSON.stringify(told), 'secret-word');
  const inWords = await sandbox.cutover(['init']);
  assert.is(inWords.code, 64);
  assert.match(inWords.stderr, `-> cutover init ${plain} --adopt\n  -> cutover init ${unit}`);
  await sandbox.run('systemctl', 'stop', plain);
  assert.is((await proposed(sandbox)).told.candidates.length, 1, 'one that neither runs nor is enabled');
});

test('on a terminal it asks: every question has its answer, and what is typed counts', async (t) => {
  const { sandbox, unit, port } = await siteWith(t);
  const typed = await typing(sandbox, ['', 'market', 'live', '', '', 'no', '']);
  assert.is(typed.code, 0, typed.said);
  assert.match(typed.said, `what the software is called (guessed from the name of ${unit}) [`);
  assert.match(typed.said, `as by: cutover init ${unit} --app market --target live --port ${port}`);
  const text = await textOf(sandbox, machineConfig);
  assert.match(text, /^app = "market"$/m);
  assert.match(text, /^\[targets\.live\]$/m);
});

test('Ctrl-C, the end of the input and a no leave nothing', async (t) => {
  const { sandbox } = await siteWith(t);
  const plain = await startPlain(t, sandbox);
  const before = await snapshot(sandbox, '/etc', '/var/lib/cutover');
  const interrupted = await typing(sandbox, ['', ctrlC]);
  assert.is(interrupted.code, 130, interrupted.said);
  const ended = await typing(sandbox, ['', ctrlD]);
  assert.is(ended.code, 0, ended.said);
  assert.match(ended.said, 'nothing was written');
  const no = await typing(sandbox, ['', '', '', '', '', '', 'no']);
  assert.is(no.code, 0, no.said);
  const unmoved = await typing(sandbox, [plain, '']);
  assert.is(unmoved.code, 0, unmoved.said);
  assert.match(unmoved.said, `${plain} runs in /srv/plain, a plain directory: make what lies there its first build`);
  const wrong = await typing(sandbox, ['nobody.service']);
  assert.is(wrong.code, 64, wrong.said);
  assert.is(await snapshot(sandbox, '/etc', '/var/lib/cutover'), before);
});

function typing(sandbox: TestSandbox, answers: string[]): Promise<{ code: number | null; said: string }> {
  return typeAnswers(sandbox, 'init', { answers, question: / \[[^\]\n]*\] /g });
}
