import * as assert from 'uvu/assert';
import { runProgram, saidIn } from '../../lib/stores/program.ts';
import { suite } from '../suite.ts';

const test = suite('stores/program');

/** What a program is refused with that says this and fails. */
async function failure(said: string): Promise<Error> {
  const command = ['sh', '-c', 'printf "%s\\n" "$1" >&2; exit 1', 'sh', said] as const;
  try {
    await runProgram('the database', command, { from: 'a package', timeoutMs: 20_000 });
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

const warnings = [
  'WARNING:  database "app" has a collation version mismatch',
  'DETAIL:  The database was created using collation version 2.31, but the operating system provides version 2.36.',
  'HINT:  Rebuild all objects in this database that use the default collation.',
  'psql:<stdin>:9: WARNING:  no privileges were granted for "users"',
];

test('P3: why a program failed is told, however much it warned of before', async () => {
  const cases: [said: string[], told: string][] = [
    [
      ['psql:<stdin>:12: ERROR:  no such table', 'LINE 1: SELECT'],
      'psql:<stdin>:12: ERROR:  no such table; LINE 1: SELECT',
    ],
    [['pg_dump: error: query failed', 'pg_dump: detail: why'], 'pg_dump: error: query failed; pg_dump: detail: why'],
    [['FATAL:  the database system is shutting down'], 'FATAL:  the database system is shutting down'],
    [['PANIC:  could not write'], 'PANIC:  could not write'],
  ];
  for (const [said, told] of cases) {
    assert.is((await failure([...warnings, ...said].join('\n'))).message, `the database: ${told}`);
  }
});

test('P3: four lines are told of a long complaint, its first ones where none is called an error; all of it is kept', async () => {
  const long = ['one', 'two', '', 'three', 'four', 'five'].join('\n');
  const error = await failure(long);
  assert.is(error.message, 'the database: one; two; three; four');
  assert.is(saidIn(error), long);
  assert.is(saidIn(new Error('another')), '');
  assert.is((await failure('')).message, 'the database: ended with 1');
});

test('W4: no password of an address is in what is kept', async () => {
  const error = await failure(`${warnings.join('\n')}\nERROR:  cannot reach postgres://app:geheim@db/app`);
  assert.not.match(`${error.message} ${saidIn(error)}`, 'geheim');
});
