import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ExitCode } from '../../lib/base/errors.ts';
import { exec } from '../../lib/base/exec.ts';
import { askedOptions, commandOfTool, globalOptions, shownFlags } from '../../lib/cli/command.ts';
import { commands } from '../../lib/cli/commands.ts';
import { manualPages } from '../../lib/cli/manual.ts';
import { exampleFile } from '../../lib/cli/manual/config-page.ts';
import { exitCodes } from '../../lib/cli/manual/exit-codes.ts';
import { environment, files, hookEnvironment, lookup } from '../../lib/cli/manual/places.ts';
import { literal, pageText, prose } from '../../lib/cli/manual/roff.ts';
import { commandEnvironment } from '../../lib/config/command-environment.ts';
import { configDocs } from '../../lib/config/docs.ts';
import { parseText } from '../../lib/config/load.ts';
import { listTables } from '../../lib/config/schema/listing.ts';
import { makeDirectory } from '../builds/directory.ts';
import { executable } from '../deploy/site.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/manual');
const env = { LC_ALL: 'C.UTF-8', MANWIDTH: '100', MAN_KEEP_FORMATTING: '', GROFF_NO_SGR: '1' };

/** Writes a page as it is installed. */
async function written(t: TestContext, name: string, text = manualPages[name]?.() ?? ''): Promise<string> {
  const path = join(await makeDirectory(t), name);
  await writeFile(path, text);
  return path;
}

/** A page as a person reads it, its lines put together again. */
async function shown(t: TestContext, name: string): Promise<string> {
  const { stdout } = await exec(['man', '-l', await written(t, name)], { timeoutMs: 60_000, env });
  return stdout.replaceAll(/\s+/g, ' ');
}

/** What a text is looked for as, since lines are broken anywhere. */
function flat(text: string): string {
  return text.replaceAll('`', '').replaceAll(/\s+/g, ' ').trim();
}

for (const name of Object.keys(manualPages)) {
  test(`${name}: neither groff nor man warns, at any width, and whatis finds what it is`, async (t) => {
    const path = await written(t, name);
    for (const width of ['60n', '78n', '120n']) {
      const command = ['groff', '-man', '-ww', '-z', '-Tutf8', `-rLL=${width}`, path] as const;
      const { code, stdout, stderr } = await exec([...command], { timeoutMs: 60_000 });
      assert.equal([code, stdout, stderr], [0, '', ''], width);
    }
    const read = await exec(['man', '--warnings=w', '-l', path], { timeoutMs: 60_000, env });
    assert.equal([read.code, read.stderr], [0, '']);
    const found = await exec(['lexgrog', path], { timeoutMs: 60_000 });
    assert.is(found.code, 0, found.stdout);
    assert.match(found.stdout, new RegExp(`"${name.replace(/\.\d$/, '')} - [a-z ]+"`));
  });
}

test('cutover(1): every command, option, example and exit code of the table, and nothing hidden', async (t) => {
  const text = await shown(t, 'cutover.1');
  for (const { name, does, options, examples, isHidden } of commands) {
    if (isHidden && name !== 'direct') {
      assert.not.match(text, `cutover ${name} `);
      continue;
    }
    const parts = [...options.flatMap(([flags, what]) => [bare(shownFlags(flags)), what.slice(1)]), ...examples];
    for (const part of [...parts, ...(isHidden ? [] : [`cutover ${name} `, does.slice(1)])])
      assert.ok(text.includes(flat(part)), `${name}: ${part}`);
  }
  for (const [flags, does] of [...globalOptions, ...askedOptions])
    for (const part of [bare(flags), does.slice(1)]) assert.ok(text.includes(flat(part)), part);
  for (const tool of Object.keys(commandOfTool)) assert.ok(text.includes(tool), tool);
  for (const { code, meaning } of exitCodes) assert.ok(text.includes(flat(`${code} ${capital(meaning)}`)), `${code}`);
  for (const [term, does] of [...environment, ...files]) assert.ok(text.includes(flat(`${term} ${does}`)), term);
});

test('cutover.toml(5): every table and key, with its sentence, default and example', async (t) => {
  const text = await shown(t, 'cutover.toml.5');
  for (const { heading, sentence, rows } of listTables()) {
    for (const part of [heading, sentence]) assert.ok(text.includes(flat(part)), part);
    for (const { key, sentence: does, type } of rows)
      for (const part of [`${key} ${does}`, `Expected: ${type.name}.`]) assert.ok(text.includes(flat(part)), part);
  }
  const examples = [...configDocs().matchAll(/^ {2}Example: `(.*)`$/gm)].map(([, example = '']) => example);
  assert.ok(examples.length > 50);
  for (const example of examples) assert.ok(text.includes(flat(`Example: ${example}`)), example);
  for (const [name, does] of hookEnvironment) assert.ok(text.includes(flat(`${name} ${does}`)), name);
});

test('what the pages say of places, exit codes and variables is what the code does', async () => {
  assert.equal(
    exitCodes.map(({ code }) => code),
    Object.values(ExitCode).toSorted((a, b) => a - b),
  );
  for (const place of lookup) assert.ok(configDocs().includes(place), place);
  const example = await parseText(exampleFile.join('\n'), { file: '/etc/cutover/cutover.toml', mode: 0o644 });
  const [target] = Object.values(example.targets);
  assert.ok(target);
  const context = { app: 'shop', target, run: null, build: null, current: null, previous: null, revision: null };
  const told = Object.keys(commandEnvironment({ ...context, outcome: 'deployed' }));
  assert.equal(hookEnvironment.map(([name]) => name).toSorted(), told.toSorted());
  const { stdout } = await exec(['grep', '-rhoE', String.raw`\benv\.[A-Z_]+\b`, 'lib'], {
    timeoutMs: 60_000,
    cwd: repository,
  });
  const read = new Set(stdout.split('\n').map((match) => match.replace('env.', '')));
  const documented = environment.map(([name]) => name);
  assert.equal(
    [...read].filter((name) => !documented.includes(name)),
    [],
    'a variable that is read stands in the manual',
  );
});

test('whatever a text holds comes out of man as it was', async (t) => {
  const odd = [
    '.TH \'quoted\' "and" \\fBnot bold\\fP -- a--b --option',
    "'x .SH",
    '~/.config ^ ` \\ \\n(ab é … →',
    '.',
  ];
  const body = [prose(odd[0] ?? ''), '.br', prose(odd[1] ?? ''), ...literal(odd)];
  const page = { name: 'odd', section: 1, does: 'try "things"', title: 'T', version: '1', body } as const;
  const path = await written(t, 'odd.1', pageText({ ...page, body: [...body] }));
  const checked = await exec(['groff', '-man', '-ww', '-z', '-Tutf8', path], { timeoutMs: 60_000 });
  assert.is(checked.stderr, '');
  const { stdout } = await exec(['man', '-l', path], { timeoutMs: 60_000, env });
  for (const line of odd) assert.ok(stdout.includes(line), `${line} in ${stdout}`);
  assert.match(stdout, 'odd - try "things"');
});

test('the build writes the pages that the hidden command prints; with --json they are one document', async () => {
  for (const [name, section] of [
    ['cutover.1', '1'],
    ['cutover.toml.5', '5'],
  ] as const) {
    const { code, stdout } = await exec([process.execPath, executable('cutover'), 'manual', section], {
      timeoutMs: 60_000,
    });
    assert.is(code, 0);
    assert.is(await readFile(join(repository, 'dist/man', name), 'utf8'), `${stdout}\n`);
    const asJson = await exec([process.execPath, executable('cutover'), 'manual', section, '--json'], {
      timeoutMs: 60_000,
    });
    assert.equal(JSON.parse(asJson.stdout), { page: name, text: `${stdout}\n` });
  }
  const docs = await exec([process.execPath, executable('cutover'), 'config', '--docs', '--json'], {
    timeoutMs: 60_000,
  });
  assert.equal(JSON.parse(docs.stdout), { docs: configDocs() });
  const none = await exec([process.execPath, executable('cutover'), 'manual', '7'], { timeoutMs: 60_000 });
  assert.is(none.code, 64);
});

/** Flags as the manual prints them: a value is in italics there, and not between brackets. */
function bare(flags: string): string {
  return flags.replaceAll(/<([^>]*?)(\.\.\.)?>/g, '$1$2');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
