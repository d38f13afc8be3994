import { parse } from 'smol-toml';
import * as assert from 'uvu/assert';
import { messageOf } from '../../lib/base/errors.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import { suite } from '../suite.ts';
import { textsLike } from './texts.ts';

const test = suite('docs/configuration');

type Table = Record<string, unknown>;

/** What a piece of a configuration leaves out. */
const rest = 'app = "shop"\n[targets.production]\nunit = "shop.service"\nbuilds = "/srv/shop/builds"\n';

const blocks = textsLike(/\.md$/).flatMap(({ path, text }) =>
  [...text.matchAll(/^( *)```toml\n(.*?)^\1```$/gms)].map(([, indent = '', block = '']) => ({
    path,
    toml: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  })),
);

/** Why a piece cannot stand in a configuration; null: it can. */
function problemOf(toml: string): string | null {
  try {
    parseConfig(merged(parse(rest), parse(toml)), '/etc/cutover/cutover.toml', { mode: 0o644 });
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function merged(base: Table, over: Table): Table {
  const entries = Object.entries(over).map(([key, value]): [string, unknown] => {
    const own = base[key];
    return [key, isTable(own) && isTable(value) ? merged(own, value) : value];
  });
  return { ...base, ...Object.fromEntries(entries) };
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

test('every piece of configuration in the documents may stand in one', () => {
  assert.ok(blocks.length > 1, `${blocks.length}`);
  const wrong = blocks.flatMap(({ path, toml }) => {
    const problem = problemOf(toml);
    return problem === null ? [] : [`${path}: ${problem}`];
  });
  assert.equal(wrong, []);
});

test('a key that there is not, and a value that is none, are found', () => {
  assert.match(
    problemOf('[targets.production.health]\nurll = "x"') ?? '',
    'targets.production.health.urll: unknown key',
  );
  assert.match(problemOf('[targets.production]\nport = "nine"') ?? '', 'targets.production.port');
  assert.match(problemOf('[targets') ?? '', 'Invalid TOML');
});

/** The permission bits that the README beside it installs a configuration with. */
function installedMode(path: string): number {
  const beside = path.slice(0, path.lastIndexOf('/') + 1);
  const readme = textsLike(/^examples\/.*README\.md$/).find((one) => one.path === `${beside}README.md`);
  return Number.parseInt(/install -m (\d+) cutover\.toml/.exec(readme?.text ?? '')?.[1] ?? '644', 8);
}

test('every configuration of the examples is a whole one', () => {
  const files = textsLike(/^examples\/.*\.toml$/);
  assert.ok(files.length > 5);
  const wrong = files.flatMap(({ path, text }) => {
    try {
      parseConfig(parse(text), `/etc/${path}`, { mode: installedMode(path) });
      return [];
    } catch (error) {
      return [`${path}: ${messageOf(error)}`];
    }
  });
  assert.equal(wrong, []);
});
