import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { commandOfTool } from '../../lib/cli/command.ts';
import { commands } from '../../lib/cli/commands.ts';
import { flagsNamed } from '../../lib/cli/flags.ts';
import { exitCodes } from '../../lib/cli/manual/exit-codes.ts';
import { parse } from '../../lib/cli/parse.ts';
import { suite } from '../suite.ts';
import { codeIn, commandLines, type Piece, type Text, textsLike } from './texts.ts';

const test = suite('docs/commands');

const documents = textsLike(/\.md$/).filter(({ path }) => !path.startsWith('bench/'));
const others = textsLike(/^(units|examples)\/.*\.(service|socket|timer|toml|sh|yml|tmpfiles|mjs)$/);

/** Code in files that are no Markdown: what systemd runs, what a hook runs, and what a comment has between backticks. */
function codeOf({ path, text }: Text): Piece[] {
  return text.split('\n').flatMap((line, at) => {
    const where = `${path}:${at + 1}`;
    const quoted = [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => ({ where, code }));
    const isRun = /^(Exec\w+|[a-z_]+ )=/.test(line) || (/\.(sh|yml)$/.test(path) && !/^\s*#/.test(line));
    return isRun ? [...quoted, { where, code: line.replace(/^Exec\w+=[-+!@:]*/, '') }] : quoted;
  });
}

const lines = [...documents.flatMap(codeIn), ...others.flatMap(codeOf)].flatMap(commandLines);

/** Why a command line is not one of ours; null: it is. */
function problemOf([tool = '', ...words]: string[]): string | null {
  const argv = commandOfTool[tool] === undefined ? words : [commandOfTool[tool], ...words];
  const [name] = argv;
  const row = commands.find((one) => one.name === name);
  // A name alone is a mention, and so is an option without its value.
  if (row && argv.length === 1) return null;
  const isOpen = flagsNamed(row, argv.at(-1) ?? '')?.includes('<') ?? false;
  try {
    parse(isOpen ? [...argv, 'value'] : argv);
    return null;
  } catch (error) {
    if (error instanceof CutoverError) return error.message;
    throw error;
  }
}

test('every command line in the documents, the examples and the units is one that is taken', () => {
  const wrong = lines.flatMap(({ where, words }) => {
    const problem = words.length === 1 ? null : problemOf(words);
    return problem === null ? [] : [`${where}: ${words.join(' ')}: ${problem}`];
  });
  assert.equal(wrong, []);
});

test('they are found where they stand', () => {
  const found = lines.map(({ words }) => words.join(' '));
  for (const line of [
    'cutover deploy production',
    'cutover add production -',
    'cutover monitor --due --quiet %I',
    'cutover settle --boot --wait=30min --state-directory %S/cutover/%I',
    'cutover init unit',
    'deploy-with-zero-downtime app.service /srv/app/builds/dist.20261121-101200 9000',
  ])
    assert.ok(found.includes(line), `${line} in ${found.join('\n')}`);
  assert.ok(found.length > 80, `${found.length}`);
  assert.is(problemOf(['cutover', 'deploy', '--forse']), 'cutover deploy has no option --forse, did you mean --force?');
  assert.match(problemOf(['cutover', 'deplyo', 'production']) ?? '', 'no command deplyo');
});

test('an option that a table names beside a command is one of that command', () => {
  const rows = documents.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, at) => (/^\| `cutover [a-z]/.test(line) ? [{ where: `${path}:${at + 1}`, line }] : [])),
  );
  assert.ok(rows.length > 10);
  const wrong = rows.flatMap(({ where, line }) => {
    const named = [...line.matchAll(/`(?:cutover )?([a-z]+)[^`]*`/g)].map(([, name]) => name);
    const own = commands.filter(({ name }) => named.includes(name));
    const options = [...line.matchAll(/`(--[a-z0-9-]+)/g)].map(([, option = '']) => option);
    return options
      .filter((option) => !own.some((row) => flagsNamed(row, option)))
      .map((option) => `${where}: ${option}`);
  });
  assert.equal(wrong, []);
});

test('the README names every command that help shows, and every exit code', () => {
  const text = documents.find(({ path }) => path === 'README.md')?.text ?? '';
  const table = text.slice(text.indexOf('\n## Commands'), text.indexOf('\n## Exit codes'));
  const shown = commands.filter(({ isHidden }) => !isHidden).map(({ name }) => name);
  const absent = shown.filter((name) => !new RegExp(`\\| .*\`(cutover )?${name}[ \`]`).test(table));
  assert.equal(absent, []);
  const codes = [...text.matchAll(/^\| (\d+) \| [a-z]/gm)].map(([, code]) => Number(code));
  assert.equal(
    codes,
    exitCodes.map(({ code }) => code),
  );
});
