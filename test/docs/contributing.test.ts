import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { codeIn, textsLike } from './texts.ts';

const test = suite('docs/contributing');
const [contributing] = textsLike(/^CONTRIBUTING\.md$/);
const [house] = textsLike(/^lib\/README\.md$/);
const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

function read(path: string): string {
  return readFileSync(join(repository, path), 'utf8');
}

test('the commands that a contributor types exist', () => {
  assert.ok(contributing);
  const code = codeIn(contributing).map((piece) => piece.code);
  const named = code.flatMap((line) =>
    [...line.matchAll(/\bnpm (?:run (?:--silent )?)?([a-z:]+)/g)].map(([, name = '']) => name),
  );
  assert.equal([...new Set(named)].toSorted(), ['build', 'ci', 'format', 'lint', 'test', 'types'].toSorted());
  for (const name of named) assert.ok(name === 'ci' || Object.hasOwn(scripts, name), name);
  const direct = code.find((line) => line.includes('test/run.ts builds/swap'));
  const ends = direct?.split(' && ')[1]?.replace(' builds/swap', '');
  assert.ok(ends && scripts.test?.endsWith(ends), `npm test runs ${scripts.test}`);
  assert.ok(existsSync(join(repository, 'test/builds/swap.test.ts')));
});

test('a new member of each family goes where the documents say: its file beside the others, its row in that table', () => {
  const families: [folder: string, table: string, members: string[]][] = [
    ['lib/checks/kinds', 'lib/checks/kinds.ts', ['command', 'tcp', 'backups']],
    ['lib/checks/doctor', 'lib/checks/doctor.ts', ['stopping', 'readiness']],
    ['lib/report/notify', 'lib/report/notify/channels.ts', ['telegram', 'slack', 'discord', 'webhook']],
    ['lib/database', 'lib/database/kinds.ts', ['sqlite', 'postgres']],
    ['lib/deploy', 'lib/deploy/plans.ts', ['restart', 'socket', 'overlap']],
  ];
  const texts = `${contributing?.text}${house?.text}`;
  for (const [folder, table, members] of families) {
    assert.ok(texts.includes(`${folder}/NAME.ts`) || texts.includes(`${folder.slice(4)}/NAME.ts`), folder);
    assert.ok(texts.includes(table) || texts.includes(`(${table.slice(4)})`), table);
    for (const member of members) {
      assert.ok(readdirSync(join(repository, folder)).includes(`${member}.ts`), `${folder}/${member}.ts`);
      assert.match(read(table), new RegExp(`from '\\./(?:\\w+/)?${member}\\.ts'`), `${member} has a row in ${table}`);
    }
  }
});

test('the example of a test is one: what it imports is there', () => {
  const block = /```ts\n(.*?)```/s.exec(contributing?.text ?? '')?.[1] ?? '';
  assert.match(block, "from '../suite.ts'");
  assert.match(read('test/suite.ts'), /export function suite\(/);
  assert.match(read('test/suite.ts'), 'cleanup:');
  assert.match(read('test/builds/swap.test.ts'), "suite('builds/swap')");
});

test('the map of the house names every room, each with files to read first, and a flow of files that are there', () => {
  const rows = [...(house?.text ?? '').matchAll(/^\| *\d+ *\|([^|]+)\|[^|]+\|([^|]+)\|$/gm)];
  const rooms = rows.flatMap(([, names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
  const there = readdirSync(join(repository, 'lib'), { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .filter((name) => name !== 'README.md');
  assert.equal(rooms.toSorted(), there.toSorted());
  for (const [, names, first = ''] of rows) assert.match(first, /\]\([\w/-]+\.ts\)/, names);
  const flow = /```\n(cli\/deploy.*?)```/s.exec(house?.text ?? '')?.[1] ?? '';
  const files = [...flow.matchAll(/\b([a-z]+\/[a-z-]+)\b/g)].map(([, file = '']) => `lib/${file}.ts`);
  assert.ok(files.length > 12);
  const missing = files.filter((file) => !existsSync(join(repository, file)));
  assert.equal(missing, []);
});
