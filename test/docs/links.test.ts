import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { codeIn, textsLike, withoutBlocks } from './texts.ts';

const test = suite('docs/links');
const documents = textsLike(/\.md$/);

/** Anchors as they are made of headings: lower case, no punctuation, hyphens for blanks, a number for the second of a name. */
function anchorsOf(text: string): string[] {
  const slugs: string[] = [];
  for (const [, heading = ''] of withoutBlocks(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    const same = slugs.filter((one) => one === slug || one.replace(/-\d+$/, '') === slug).length;
    slugs.push(same === 0 ? slug : `${slug}-${same}`);
  }
  return slugs;
}

/** Why a link of a document leads nowhere; null: it leads somewhere, or out of the repository. */
function problemOf(path: string, link: string): string | null {
  if (/^[a-z]+:/.test(link)) return null;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : normalize(join(dirname(path), file));
  if (target.startsWith('..')) return 'leads out of the repository';
  if (!existsSync(join(repository, target))) return `${target} is not there`;
  if (anchor === undefined) return null;
  return anchorsOf(readFileSync(join(repository, target), 'utf8')).includes(anchor) ? null : `no heading #${anchor}`;
}

test('every link leads to a file that is there, and to a heading that it has', () => {
  const links = documents.flatMap(({ path, text }) => {
    // A link's text may go on in the next line.
    const found = withoutBlocks(text)
      .replaceAll(/`[^`]*`/g, '')
      .matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g);
    return [...found].map(([, link = '']) => ({ path, link }));
  });
  assert.ok(links.length > 30, `${links.length}`);
  const broken = links.flatMap(({ path, link }) => {
    const problem = problemOf(path, link);
    return problem === null ? [] : [`${path}: ${link}: ${problem}`];
  });
  assert.equal(broken, []);
});

test('a link that leads nowhere is found', () => {
  assert.is(problemOf('README.md', 'builds-layout.md#the-link'), null);
  assert.is(problemOf('README.md', 'builds-layout.md#the-lnk'), 'no heading #the-lnk');
  assert.is(problemOf('lib/README.md', '../nowhere.md'), 'nowhere.md is not there');
  assert.is(problemOf('README.md', '../x'), 'leads out of the repository');
});

test('a path of the repository between backticks is there', () => {
  const named = documents.flatMap((document) =>
    codeIn(document).flatMap(({ where, code }) =>
      /^(lib|bin|test|bench|units|examples|\.ci)\/[\w@./-]+$/.test(code) && !code.includes('NAME')
        ? [{ where, code }]
        : [],
    ),
  );
  assert.ok(named.length > 5);
  const missing = named.filter(({ code }) => !existsSync(join(repository, code)));
  assert.equal(missing, []);
});

test('a script that a document has npm run is in package.json', () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { scripts: object };
  const named = documents.flatMap((document) =>
    codeIn(document).flatMap(({ where, code }) =>
      [...code.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)].map(([, script = '']) => ({ where, script })),
    ),
  );
  assert.ok(named.length > 3);
  // `npm run migrate` and the like stand in examples of hooks, and are the application's.
  const missing = named.filter(({ script }) => !Object.hasOwn(scripts, script) && !script.startsWith('migrate'));
  assert.equal(missing, []);
});
