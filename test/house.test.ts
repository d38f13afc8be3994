import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './suite.ts';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const test = suite('house');

const maxLines = 200;
const forbiddenNames =
  'utils util helpers helper common core shared lib misc manager service handler types constants index'.split(' ');

/** How many requirements there are: of the deploy, the pipeline, the triggers, the recovery and the checks. */
const requirements = { S: 12, P: 10, W: 4, R: 7, B: 5 };

// What git tracks or would: dist and node_modules are neither.
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  cwd: repository,
});
const files = listed
  .toString()
  .split('\0')
  .filter((file) => file !== '');
const sources = files.filter((file) => /^lib\/.*\.ts$/.test(file)).flatMap((path) => readSource(path));
const floors = readFloors();

interface Source {
  path: string;
  text: string;
  /** what it imports, types and dynamic imports included */
  imports: string[];
}

test('has a floor for every source', () => {
  assert.ok(sources.length > 0);
  assert.equal(
    sources.filter(({ path }) => floorOf(path) === null).map(({ path }) => path),
    [],
  );
});

test('imports only from floors below, or from the same room', () => {
  const upward = sources.flatMap(({ path, imports }) => {
    const own = floorOf(path);
    return imports
      .filter((name) => name.startsWith('.'))
      .map((name) => normalize(join(dirname(path), name)))
      .filter((imported) => {
        const below = floorOf(imported);
        return !(own && below && (below.floor > own.floor || below.room === own.room));
      })
      .map((imported) => `${path} imports ${imported}`);
  });
  assert.equal(upward, []);
});

test('lets each package in through one file', () => {
  const doors = new Map<string, Set<string>>();
  for (const { path, imports } of sources) {
    for (const name of imports.filter((text) => !text.startsWith('.') && !text.startsWith('node:'))) {
      const packageName = name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/');
      doors.set(packageName, (doors.get(packageName) ?? new Set()).add(path));
    }
  }
  const shared = [...doors]
    .filter(([, paths]) => paths.size > 1)
    .map(([name, paths]) => `${name}: ${[...paths].join(', ')}`);
  assert.equal(shared, []);
});

test('imports with the ending .ts', () => {
  const odd = sources.flatMap(({ path, imports }) =>
    imports.filter((name) => name.startsWith('.') && !/\.(ts|json|cjs)$/.test(name)).map((name) => `${path}: ${name}`),
  );
  assert.equal(odd, []);
});

test(`keeps every source within ${maxLines} lines`, () => {
  const long = sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLines);
  assert.equal(long, []);
});

test('names files after what they do', () => {
  const named = sources.map(({ path }) => path).filter((path) => forbiddenNames.includes(basename(path, '.ts')));
  assert.equal(named, []);
});

test('ends the process only in the command line', () => {
  const ending = sources.filter(
    ({ path, text }) => !/^lib\/cli(\/|\.ts$)/.test(path) && /\bprocess\.exit\(/.test(text),
  );
  assert.equal(
    ending.map(({ path }) => path),
    [],
  );
});

test('renames and links only in the files that do it durably', () => {
  const doing = sources.filter(({ text }) => /import \{[^}]*\b(rename|renameSync)\b[^}]*\} from 'node:fs/.test(text));
  const allowed = ['lib/base/files.ts', 'lib/base/links.ts'];
  assert.equal(
    doing.map(({ path }) => path).filter((path) => !allowed.includes(path)),
    [],
  );
});

test('has a test for every requirement, which its title names', () => {
  const titles = files
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => [...readIfThere(file).matchAll(/^ *test\(\s*(['"`])((?:[A-Z]\d+(?:, )?)+): /gm)]);
  const named = new Set(titles.flatMap(([, , ids = '']) => ids.split(', ')));
  const wanted = Object.entries(requirements).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, at) => `${letter}${at + 1}`),
  );
  assert.equal(
    wanted.filter((id) => !named.has(id)),
    [],
  );
  assert.equal(
    [...named].filter((id) => !wanted.includes(id)),
    [],
    'no such requirement',
  );
});

test('knows nothing of the machine it was written on', () => {
  // Put together, so that this file does not find itself; a template's `${…}/root/…` is no path of a machine.
  const folders = ['work', 'root/[a-z.]+', 'home/(?!deploy|runner|user|git|app|claude)[a-z]+'].join('|');
  const place = new RegExp(`(?<![\\w}.*-])/(?:${folders})/`);
  const texts = files.filter((file) => !/\.(png|gif|gz|zst|ico|woff2?)$/.test(file) && file !== 'package-lock.json');
  assert.equal(
    texts.filter((file) => place.test(readIfThere(file))),
    [],
  );
});

function readFloors(): { floor: number; room: string }[] {
  const rows = readIfThere('lib/README.md').matchAll(/^\| *(\d+) *\| *([^|]+)\|/gm);
  return [...rows].flatMap(([, floor, names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => ({
      floor: Number(floor),
      room: name.replace(/\/$|\.ts$/, ''),
    })),
  );
}

/** The room of `lib/run/engine.ts` is `run`, and so is that of `lib/run.ts`. */
function floorOf(path: string): { floor: number; room: string } | null {
  const [, room] = /^lib\/([^/]+?)(?:\/|\.ts$)/.exec(path) ?? [];
  return floors.find((row) => row.room === room) ?? null;
}

function readSource(path: string): Source[] {
  const text = readIfThere(path);
  const found = text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm);
  const imports = [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
  return text === '' ? [] : [{ path, text, imports }];
}

/** A file that somebody removed and git still lists is empty. */
function readIfThere(path: string): string {
  try {
    return readFileSync(join(repository, path), 'utf8');
  } catch {
    return '';
  }
}
