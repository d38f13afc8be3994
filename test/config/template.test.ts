import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../lib/config/load.ts';
import type { Config } from '../../lib/config/model.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import { listTables } from '../../lib/config/schema/listing.ts';
import { type Draft, draftDocument, draftTarget, draftText } from '../../lib/config/template.ts';
import { suite } from '../suite.ts';

const test = suite('config/template');

const least: Draft = {
  target: 'production',
  known: {
    app: { value: 'shop' },
    'targets.NAME.unit': { value: 'shop.service' },
    'targets.NAME.builds': { value: '/srv/shop/builds' },
  },
};
const most: Draft = {
  target: 'v1.2',
  known: {
    app: { value: 'shop', note: 'guessed from the name of shop.service' },
    manager: { value: 'user' },
    'targets.NAME.unit': { value: String.raw`shop@a\x2db.service` },
    'targets.NAME.builds': {
      value: '/srv/a "shop" \\ 50% #1/builds',
      note: 'guessed from WorkingDirectory= of the unit',
    },
    'targets.NAME.port': { value: [9000, 9001] },
    'targets.NAME.stop.timeout': { value: '2min 5s', note: 'the unit says so' },
    'targets.NAME.health.url': { value: 'http://127.0.0.1:9000/#here', note: 'guessed' },
    'targets.NAME.health.status': { value: 204 },
    'targets.NAME.health.json': { example: { status: 'healthy' }, note: 'what it answers now' },
    'targets.NAME.health.identity': { value: false },
    'targets.NAME.limits.memory': { note: 'without it: 460M' },
  },
};
const drafts = { least, most };
/** A comment that is a key once its "#" is gone; prose has a space there. */
const commented = /^#([a-z_]+) = .+$/;

test('the file says what is known, and nothing else', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-template-'));
  t.cleanup(() => rm(directory, { recursive: true }));
  for (const [name, draft] of Object.entries(drafts)) {
    const text = draftText(draft, ['Written for a test.', '', 'With three lines.']);
    assert.ok(text.startsWith('# Written for a test.\n#\n# With three lines.\n\n'), name);
    const file = join(directory, `${name}.toml`);
    await writeFile(file, text);
    assert.equal(await loadConfig(file), parseConfig(draftDocument(draft), file), name);
  }
});

test('every comment that shows a key is right once its "#" is taken away, and a default changes nothing', () => {
  const defaults = new Set(listTables().flatMap(({ rows }) => rows.flatMap((row) => (isShown(row) ? [row.key] : []))));
  for (const [name, draft] of Object.entries(drafts)) {
    const lines = draftText(draft, []).split('\n');
    const before = configOf(lines);
    const found = lines.flatMap((line, at) => (commented.test(line) ? [at] : []));
    assert.ok(found.length > 15, name);
    for (const at of found) {
      const line = lines[at] as string;
      const config = configOf(lines.with(at, line.slice(1)));
      const key = commented.exec(line)?.[1] ?? '';
      if (defaults.has(key) && !line.includes('  # ')) assert.equal(config, before, line);
    }
  }
});

test('every key of a target, and every other table, is there once', () => {
  for (const draft of Object.values(drafts)) {
    const lines = draftText(draft, []).split('\n');
    const keys = lines.flatMap((line) => /^#?([a-z_]+) = /.exec(line)?.[1] ?? []).toSorted();
    const wanted = /^(|targets\.NAME(\.(stop|start|health|limits))?)$/;
    const rows = listTables().flatMap(({ path, rows }) => (wanted.test(path) ? rows : []));
    assert.equal(keys, rows.map(({ key }) => key).toSorted());
    for (const { sentence } of rows) assert.is(lines.filter((line) => line === `# ${sentence}`).length, 1, sentence);
    for (const { path, heading } of listTables()) {
      if (path.endsWith('.HOOK') || heading.includes(' = ')) continue;
      const own = heading.replace('NAME', draft.target.includes('.') ? `"${draft.target}"` : draft.target);
      const named = lines.filter((line) => line === own || line.startsWith(`#   ${own} `));
      assert.is(named.length, path === '' ? 0 : 1, own);
    }
  }
});

test('what nobody said says how it came to be known', () => {
  const text = draftText(most, []);
  assert.match(text, '\napp = "shop"  # guessed from the name of shop.service\n');
  assert.match(text, '\ntimeout = "2min 5s"  # the unit says so\n');
  assert.match(text, '\n#json = { status = "healthy" }  # what it answers now\n');
  assert.match(text, '\n#memory = "512M"  # without it: 460M\n');
  assert.match(draftText(least, []), '\n#cpu = "200%"  # without it: off\n');
});

test('the target alone can be added to a file that is there', () => {
  const first = draftText(least, []);
  assert.is(draftTarget(least), '[targets.production]\nunit = "shop.service"\nbuilds = "/srv/shop/builds"');
  const both = configOf([`${first}\n${draftTarget(most)}`]);
  assert.equal(Object.keys(both.targets), ['production', 'v1.2']);
  const { name: _, ...target } = configOf([draftText(most, [])]).targets['v1.2'] as { name: string };
  assert.equal({ ...both.targets['v1.2'], name: undefined }, { ...target, name: undefined });
});

function isShown(row: { default?: unknown; defaultText?: string }): boolean {
  return row.default !== undefined && row.default !== null && row.defaultText === undefined;
}

function configOf(lines: string[]): Config {
  return parseConfig(parse(lines.join('\n')), '/etc/cutover/cutover.toml', { env: { HOME: '/home/deploy' } });
}
