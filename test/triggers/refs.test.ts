import * as assert from 'uvu/assert';
import { deployPush, readPush } from '../../lib/triggers/post-receive.ts';
import { endOf, worstOf } from '../../lib/triggers/post-receive-words.ts';
import { suite } from '../suite.ts';

const test = suite('triggers/refs');
const targets = [
  { name: 'staging', branch: 'main' },
  { name: 'production', branch: 'main' },
  { name: 'preview', branch: 'feature/new' },
  { name: 'by-hand', branch: '' },
];
const [none, one, two] = ['0', '1', '2'].map((digit) => digit.repeat(40)) as [string, string, string];

test('P2: what is pushed, and where it goes', () => {
  const cases: [line: string, expected: string][] = [
    [`${none} ${one} refs/heads/main`, `main ${one} staging,production`],
    [`${one} ${two} refs/heads/feature/new`, `feature/new ${two} preview`],
    [`- ${'a'.repeat(64)} refs/heads/main`, `main ${'a'.repeat(64)} staging,production`],
    [`${one} ${none} refs/heads/main`, 'the branch was deleted: staging, production keeps what it serves'],
    [`${one} ${none} refs/heads/other`, 'no target is bound to this branch'],
    [`${one} ${two} refs/tags/main`, 'it is no branch'],
    [`${one} ${two} refs/heads/`, 'it is no branch'],
    [`${one} --upload-pack refs/heads/main`, 'that is no "old new ref" line'],
    ['main', 'that is no "old new ref" line'],
  ];
  for (const [line, expected] of cases) {
    const { branches, ignored } = readPush(`${line}\n`, targets);
    const found = [
      ...branches.map(({ branch, commit, targets: bound }) => `${branch} ${commit} ${bound.join()}`),
      ...ignored.map(({ why }) => why),
    ];
    assert.equal(found, [expected], line);
  }
  assert.equal(readPush('\n', targets), { branches: [], ignored: [] });
});

test('P2: a branch whose name has blanks that git allows is beside the matter', () => {
  const odd = ['a\u3000b', 'a\u00a0', '\u2028'];
  const lines = [...odd.map((name) => `${none} ${two} refs/heads/${name}`), `${none} ${one} refs/heads/main`];
  const { branches, ignored } = readPush(`${lines.join('\n')}\n`, [...targets, { name: 'odd', branch: 'a\u3000b' }]);
  const found = branches.map(({ branch, targets: bound }) => [branch, ...bound]);
  assert.equal(found, [
    ['a\u3000b', 'odd'],
    ['main', 'staging', 'production'],
  ]);
  for (const { why } of ignored) assert.is(why, 'no target is bound to this branch');
  for (const name of ['a b', 'main\r', 'a\tb', 'a\u007f']) {
    const [wrong] = readPush(`${none} ${one} refs/heads/${name}\n`, targets).ignored;
    assert.is(wrong?.why, 'that is no "old new ref" line', JSON.stringify(name));
  }
});

test('P2: a branch goes no further than to the first target that does not take it; another branch is another matter', async () => {
  const { branches } = readPush(`- ${one} refs/heads/main\n- ${two} refs/heads/feature/new\n`, targets);
  const asked: string[] = [];
  const deployOn = (target: string): Promise<number> => {
    asked.push(target);
    return Promise.resolve(target === 'staging' ? 4 : 0);
  };
  const all = await deployPush(branches, { deployOn, isGood: (code) => code === 0 });
  assert.equal(asked, ['staging', 'preview']);
  assert.equal(
    all.map(({ target, result }) => [target, result]),
    [
      ['staging', 4],
      ['production', null],
      ['preview', 0],
    ],
  );
});

test('P2: every exit code of the contract has words, and what needs a person counts most', () => {
  for (const code of [0, 1, 2, 3, 4, 64, 69, 75, 77, 78, 130]) assert.not.match(endOf(code), 'exit code');
  assert.equal([worstOf([]), worstOf([0, 4, 1]), worstOf([1, 0, 3])], [0, 4, 3]);
});
