// deadline: 10min
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { commands } from '../../lib/cli/commands.ts';
import { answerTo } from '../../lib/cli/completion/candidates.ts';
import { splitLine } from '../../lib/cli/completion/line.ts';
import { completedTools, completionScript } from '../../lib/cli/completion/script.ts';
import { shells } from '../../lib/base/shells.ts';
import { wantedAt } from '../../lib/cli/completion/wanted.ts';
import { executable } from '../deploy/site.ts';
import { suite } from '../suite.ts';
import { builds, makeDesk, odd } from './typing.ts';

const test = suite('cli/completion', { timeoutMs: 180_000 });
const shown = commands.filter(({ isHidden }) => !isHidden);
const nothing = async () => [];

/** What is offered without a configuration. */
async function offer(...words: string[]): Promise<string[]> {
  const { candidates } = await answerTo(wantedAt(words, commands), commands, nothing);
  return candidates.map(({ value }) => value);
}

/** What the command prints. */
function printed(...words: string[]) {
  return exec([process.execPath, executable('cutover'), 'completion', ...words], { timeoutMs: 60_000 });
}

function kinds(...words: string[]): readonly string[] {
  return wantedAt(words, commands).kinds;
}

test('a line is split as a shell does, quotes that are open included', () => {
  const lines: Record<string, string[]> = {
    'cutover ': ['cutover', ''],
    'cutover dep': ['cutover', 'dep'],
    'cutover  --config "my file.toml"  de': ['cutover', '--config', 'my file.toml', 'de'],
    'cutover --config \'a"b': ['cutover', '--config', 'a"b'],
    'cutover my\\ file "a\\"b\\c" \'\'': ['cutover', 'my file', 'a"b\\c', ''],
    'cutover "" x=$HOME': ['cutover', '', 'x=$HOME'],
    'cutover status 2>log pro': ['cutover', 'status', 'pro'],
    'cutover status \\': ['cutover', 'status', ''],
  };
  for (const [text, words] of Object.entries(lines))
    assert.equal(splitLine(text), { words, isRedirection: false }, text);
  for (const text of ['cutover status >', 'cutover restore <', 'cutover status > lo', 'cutover status 2>>lo'])
    assert.is(splitLine(text).isRedirection, true, text);
});

test('every command that help shows is offered, and no other', async () => {
  assert.equal(
    await offer('cutover', ''),
    shown.map(({ name }) => name),
  );
  assert.equal(await offer('cutover', 'sett'), ['settle']);
  assert.equal(await offer('cutover', 'comple'), ['completion'], 'not the hidden one');
  assert.equal(await offer('cutover', '--verbose', '--config', 'x.toml', 'sett'), ['settle']);
  assert.equal(await offer('cutover', 'nonsense', ''), []);
});

test('every option of every command is offered, and once given no more', async () => {
  for (const { name, options } of commands) {
    const offered = await offer('cutover', name, '--');
    for (const [flags] of options) {
      const option = flags.split(' ')[0] ?? '';
      assert.ok(offered.includes(option), `${name} ${option}`);
      if (flags.includes('...')) continue;
      const value = flags.includes('<') ? ['x'] : [];
      assert.not.ok((await offer('cutover', name, option, ...value, '--')).includes(option), `${name} ${option} twice`);
    }
    for (const option of ['--config', '--json', '--help']) assert.ok(offered.includes(option), `${name} ${option}`);
  }
});

test('the words of the three other names are those of their commands', () => {
  assert.equal(completedTools.length, 4);
  assert.equal(kinds('/usr/bin/pre-deployment-check', ''), ['target']);
  assert.equal(kinds('safe-deploy', 'production', ''), ['build']);
  assert.equal(kinds('safe-deploy', 'production', '--f'), ['option']);
  const direct = ['deploy-with-zero-downtime', 'a.service', '/srv/b', '9000'];
  const found = direct.map((_, at) => kinds(...direct.slice(0, at + 1), '').join());
  assert.equal(found, ['unit', 'directory', 'nothing', 'nothing']);
});

test('each word and value is what the command takes there', () => {
  const expected: [line: string, kinds: string][] = [
    ['deploy ', 'target'],
    ['deploy production ', 'build'],
    ['deploy production x ', 'nothing'],
    ['deploy --wait production ', 'build'],
    ['deploy --wait=', 'wait'],
    ['deploy --config ', 'file'],
    ['deploy --config=a', 'file'],
    ['--config ', 'file'],
    ['report production ', 'run'],
    ['report --since ', 'period'],
    ['logs -- production ', 'run'],
    ['deploy -- --f', 'target'],
    ['add ', 'target,file'],
    ['add production ', 'file'],
    ['add --sha256 ', 'nothing'],
    ['restore ', 'target,backup'],
    ['restore production ', 'backup'],
    ['recover a b ', 'target'],
    ['recover --only ', 'target'],
    ['recover --only=a,', 'target'],
    ['init ', 'unit'],
    ['init --git /srv/x ', 'target'],
    ['init --git ', 'directory'],
    ['init --strategy ', 'strategy'],
    ['init --builds ', 'directory'],
    ['settle --state-directory ', 'directory'],
    ['init --install --deploy-user ', 'user'],
    ['init --install --group ', 'group'],
    ['hook ', 'event'],
    ['completion ', 'shell'],
    ['history --limit ', 'nothing'],
    ['config ', 'nothing'],
  ];
  for (const [line, wanted] of expected) {
    assert.is(kinds(...splitLine(`cutover ${line}`).words).join(), wanted, line);
  }
});

test('a word that a command takes is one that completion knows of', () => {
  const known = 'target build run unit archive file build-directory port shell event section form words app/target/id';
  const words = commands.flatMap((row) => row.words.split(' ').filter(Boolean));
  const strange = words
    .map((word) => word.replaceAll(/[<>[\].]/g, ''))
    .filter((word) => !known.split(' ').includes(word));
  assert.equal(strange, []);
});

test('targets, builds and runs come from the configuration and the disk', async (t) => {
  const { ask, root } = await makeDesk(t);
  const run = '20260203-150010-0a1b';
  await writeFile(join(root, `state/shop/production/runs/${run}.jsonl`), 'torn');
  const offers: [line: string, values: string[]][] = [
    ['cutover check ', ['production', odd]],
    ['pre-deployment-check prod.', [odd]],
    ['cutover recover production ', [odd]],
    ['cutover recover --only=production,', [`--only=production,${odd}`]],
    [`cutover deploy ${odd} `, []],
    ['cutover deploy production ', [builds.good]],
    ['cutover deploy production dist.', [builds.good]],
    ['safe-deploy production 2026', [builds.good.slice(5)]],
    [`cutover deploy production ${builds.quarantined}`, [builds.quarantined]],
    [`cutover deploy production ${builds.broken.slice(5)}`, [builds.broken.slice(5)]],
    ['cutover rollback production ', [builds.good]],
    ['cutover verify production ', Object.values(builds).toReversed()],
    ['cutover report production ', [run]],
    ['cutover logs production 2026', [run]],
    ['cutover --config "my file.toml" check ', ['production', odd]],
    ['cutover --config=~/cutover.toml check p', ['production', odd]],
    ['cutover init --install --deploy-user www-d', ['www-data']],
    ['cutover init --install --group=www-d', ['--group=www-data']],
  ];
  for (const [line, values] of offers) {
    const asked = await ask(line);
    assert.equal([asked.values, asked.stderr, asked.code], [values, '', 0], line);
  }
});

test('the newest hundred builds of thousands are offered, the newest first', async (t) => {
  const { ask, root } = await makeDesk(t);
  const ids = Array.from({ length: 3000 }, (_, at) => {
    const [minute, second] = [Math.floor(at / 60) + 10, at % 60].map((part) => String(part).padStart(2, '0'));
    return `dist.20260204-10${minute}${second}`;
  }).filter((id) => Number(id.slice(16, 18)) < 60);
  for (const id of ids) await mkdir(join(root, 'production', id, 'app'), { recursive: true });
  const { values } = await ask('cutover deploy production ');
  assert.equal(values, ids.slice(-100).toReversed());
  assert.equal((await ask(`cutover deploy production ${ids[0]}`)).values, [ids[0]]);
});

test('backups of the target, and no others', async (t) => {
  const { ask, root } = await makeDesk(t);
  const database = `[targets.production.database]\nkind = "sqlite"\npath = "/srv/a.db"\nbackups = "${root}/backups"\n`;
  const head = `app = "shop"\n[targets.production]\nunit = "a.service"\nbuilds = "${root}/production"\n`;
  await writeFile(join(root, 'cutover.toml'), head + database);
  await mkdir(join(root, 'backups'));
  const own = ['01', '02'].map((second) => `shop@production-20260203-1500${second}-4f2a.sqlite.gz`);
  for (const name of [...own, 'shop@staging-20260203-150001-4f2a.sqlite.gz', 'notes'])
    await writeFile(join(root, 'backups', name), '');
  for (const line of ['cutover restore production ', 'cutover restore shop@']) {
    const { values, beside } = await ask(line);
    assert.equal([values, beside], [own.toReversed(), 'files'], line);
  }
});

test('a configuration that is broken, refused, unreadable or not there: nothing, and no word', async (t) => {
  const broken = [
    'app = "shop"\n[targets',
    'app = "shop"\n[targets.production]\nunit = "x.service"\nbuilds = "/srv/b"\nhelth = 3\n',
    '',
  ];
  for (const toml of broken) {
    const { ask } = await makeDesk(t, toml);
    for (const line of ['cutover check ', 'cutover deploy production ', 'cutover report production '])
      assert.equal(await ask(line), { beside: 'words', values: [], stderr: '', code: 0 }, toml);
  }
  const desk = await makeDesk(t);
  for (const file of ['/nowhere/x.toml', '/', '/dev/null', '/proc/self/mem']) {
    const asked = await desk.ask(`cutover --config ${file} check `);
    assert.equal([asked.values, asked.stderr, asked.code], [[], '', 0], file);
  }
  await rm(join(desk.root, 'cutover.toml'));
  assert.equal((await desk.ask('cutover check ')).values, []);
  assert.ok(
    (await desk.ask('cutover ')).values.includes('deploy'),
    'what needs no configuration is there all the same',
  );
});

test('who may not read the configuration or the state sees what is left', async (t) => {
  const { root, env } = await makeDesk(t);
  await chmod(root, 0o755);
  await chmod(join(root, 'state'), 0o700);
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;
  const ask = (line: string) => {
    const words = [process.execPath, executable('cutover'), 'complete', 'line', '--', line];
    return exec([...nobody, ...words], { timeoutMs: 60_000, cwd: root, env });
  };
  const { stdout, stderr } = await ask('cutover deploy production dist.');
  assert.ok(stdout.includes(builds.good), stdout);
  assert.is(stderr, '');
  await chmod(join(root, 'cutover.toml'), 0o600);
  const blind = await ask('cutover deploy production dist.');
  assert.equal([blind.code, blind.stdout, blind.stderr], [0, 'words\tdist.', '']);
});

test('a disk that does not answer is not waited for', async (t) => {
  const { ask, root } = await makeDesk(t);
  // Whoever opens it waits for somebody who writes, as at a server that is gone.
  await exec(['mkfifo', join(root, 'pipe')], { timeoutMs: 10_000 });
  const { values, stderr } = await ask(`cutover --config ${root}/pipe check `);
  assert.equal([values, stderr], [[], '']);
});

test('words are passed on as they are, options among them', async (t) => {
  const { root, env } = await makeDesk(t);
  const ask = async (...words: string[]) => {
    const command = [process.execPath, executable('cutover'), 'complete', 'words', '--', ...words] as const;
    const { stdout } = await exec([...command], { timeoutMs: 60_000, cwd: root, env });
    return stdout.split('\n').slice(1);
  };
  const ended = await ask('cutover', 'check', '--json', '--', 'prod.');
  assert.equal(
    ended.map((line) => line.split('\t')),
    [[odd, `${odd}.service`]],
  );
  assert.equal(await ask('cutover', 'history', '--limit', '007', '--wat'), []);
  assert.equal(await ask('cutover', 'check', '-', ''), []);
  assert.match((await ask('cutover', '--no-col')).join(), /^--no-color\t/);
});

test('bash, at a terminal', async (t) => {
  const { type, root } = await makeDesk(t);
  const typed: [keys: string, words: string[]][] = [
    ['cutover dep\tprod.\t', ['deploy', odd]],
    ['cutover deploy produ\t', ['deploy', 'production']],
    ['cutover deploy produ\tdist\t', ['deploy', 'production', builds.good]],
    ['cutover deploy --wait=30\t', ['deploy', '--wait=30min']],
    ['cutover recover --only=production,\t', ['recover', `--only=production,${odd}`]],
    ['cutover --config my\tcheck prod.\t', ['--config', 'my file.toml', 'check', odd]],
    ['cutover --config="my\tsta\tprodu\t', ['--config=my file.toml', 'status', 'production']],
    ["cutover check 'prod.\t", ['check', odd]],
    ['cutover --fi\t', ['--fi']],
    ['safe-deploy --fix\tprodu\t', ['--fix-forward', 'production']],
    ['pre-deployment-check prod.\t', [odd]],
    ['deploy-with-zero-downtime app.service produ\t', ['app.service', 'production/']],
  ];
  const called = await type(
    'bash',
    typed.map(([keys]) => keys),
  );
  for (const [at, [keys, words]] of typed.entries()) assert.equal(called[at], words, keys);
  await writeFile(join(root, 'cutover.toml'), 'broken [');
  assert.equal(await type('bash', ['cutover deploy produ\t']), [['deploy', 'produ']]);
});

test('zsh, at a terminal: loaded from its folder, and sourced', async (t) => {
  const { type, root } = await makeDesk(t);
  const typed: [keys: string, words: string[]][] = [
    ['cutover dep\tprod.\t', ['deploy', odd]],
    ['cutover deploy produ\tdist\t', ['deploy', 'production', builds.good]],
    ['cutover deploy --wait=30\t', ['deploy', '--wait=30min']],
    ['cutover recover --only=production,prod\t', ['recover', `--only=production,${odd}`]],
    ['cutover --config my\tcheck prod.\t', ['--config', 'my file.toml', 'check', odd]],
    ['cutover --config=my\tcheck prod.\t', ['--config=my file.toml', 'check', odd]],
    ["cutover check 'prod.\t", ['check', odd]],
    ['safe-deploy --fix\tprodu\t', ['--fix-forward', 'production']],
    ['pre-deployment-check prod.\t', [odd]],
    // The slash that it adds goes when the line ends there.
    ['deploy-with-zero-downtime app.service produ\t', ['app.service', 'production']],
  ];
  const called = await type(
    'zsh',
    typed.map(([keys]) => keys),
  );
  for (const [at, [keys, words]] of typed.entries()) assert.equal(called[at], words, keys);
  assert.equal(await type('zsh', ['cutover dep\tprod.\t'], { isSourced: true }), [['deploy', odd]]);
  await writeFile(join(root, 'cutover.toml'), 'broken [');
  assert.equal(await type('zsh', ['cutover deploy produ\t']), [['deploy', 'produ']]);
});

test('fish, as its own completion answers', async (t) => {
  const { offered, root } = await makeDesk(t);
  const lines: [line: string, values: string[]][] = [
    ['cutover sett', ['settle']],
    ['cutover check ', ['production', odd]],
    ['cutover deploy production ', [builds.good]],
    ['cutover deploy --wait=', ['1min', '5min', '10min', '30min'].map((time) => `--wait=${time}`)],
    ['cutover recover --only=production,', [`--only=production,${odd}`]],
    ["cutover --config 'my file.toml' check prod.", [odd]],
    ['cutover --config=my', ['--config=my file.toml']],
    ['cutover --config my', ['my file.toml']],
    ['safe-deploy --fix', ['--fix-forward']],
    ['pre-deployment-check prod.', [odd]],
    ['deploy-with-zero-downtime app.service produ', ['production/']],
    ['cutover nonsense ', []],
  ];
  for (const [line, values] of lines) {
    const found = (await offered(line)).map((text) => text.split('\t')[0]);
    assert.equal(found, values, line);
  }
  assert.match((await offered('cutover sett'))[0] ?? '', /^settle\tEnd a run/);
  await writeFile(join(root, 'cutover.toml'), 'broken [');
  assert.equal(await offered('cutover check '), []);
});

test('the scripts are those that the command prints; a shell that is none is refused', async () => {
  for (const shell of shells) {
    const { code, stdout } = await printed(shell);
    assert.equal([code, `${stdout}\n`], [0, completionScript(shell)]);
    for (const tool of completedTools) assert.match(stdout, tool);
    const asJson = await printed(shell, '--json');
    assert.equal(JSON.parse(asJson.stdout), { shell, script: completionScript(shell) });
  }
  const refused = await printed('tcsh');
  assert.is(refused.code, 64);
  assert.match(refused.stderr, 'bash, zsh, fish');
  assert.is((await printed()).code, 64);
});

test('a program of the working directory is never run by the press of a key', async (t) => {
  const { offered, type, root } = await makeDesk(t);
  const trap = `#!/bin/sh\ntouch ${root}/sprung\n`;
  await writeFile(join(root, 'cutover'), trap, { mode: 0o755 });
  await offered('./cutover dep');
  assert.equal(await type('bash', ['./cutover dep\t\u0015cutover sett\t']), [['settle']]);
  assert.equal(await type('zsh', ['./cutover dep\t\u0015cutover sett\t']), [['settle']]);
  assert.is((await exec(['ls', root], { timeoutMs: 10_000 })).stdout.includes('sprung'), false);
});
