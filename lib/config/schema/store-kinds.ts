import { boolean } from '../values/boolean.ts';
import { listOf } from '../values/list.ts';
import { integer } from '../values/number.ts';
import { absolutePath } from '../values/path.ts';
import { givenPattern } from '../values/pattern.ts';
import { serviceUnit } from '../values/name.ts';
import { age } from '../values/quantity.ts';
import { text } from '../values/text.ts';
import { databaseUrl } from '../values/url.ts';
import { fileRows, timeoutRow } from './file-rows.ts';
import type { Row } from './table.ts';

const queryRows: readonly Row[] = [
  {
    key: 'tables',
    type: listOf(text),
    default: [],
    sentence: 'Tables that must exist.',
    example: ['users', 'sessions'],
  },
  {
    key: 'query',
    type: text,
    default: null,
    sentence: 'A query that must succeed.',
    example: 'SELECT count(*) FROM users',
  },
  timeoutRow('30s'),
];

const optional = { default: null, defaultText: 'any' } as const;
const count = integer({ min: 0 });

/** The kinds that look at what an application stores: databases, logs, backups. */
export const storeKinds: Readonly<Record<string, readonly Row[]>> = {
  sqlite: [
    { key: 'path', type: absolutePath, required: true, sentence: 'The database file.', example: '/srv/app/app.db' },
    ...fileRows,
    {
      key: 'integrity',
      type: boolean,
      default: true,
      sentence: 'Whether the whole file is read and checked; outside of WAL mode nobody can write meanwhile.',
      example: false,
    },
    ...queryRows,
  ],
  postgres: [
    {
      key: 'url',
      type: databaseUrl,
      default: null,
      sentence: 'The database, or use url_file.',
      example: 'postgres:///app',
    },
    {
      key: 'url_file',
      type: absolutePath,
      default: null,
      sentence: 'A file that holds the address.',
      example: '/etc/cutover/database.url',
    },
    ...queryRows,
  ],
  log: [
    {
      key: 'path',
      type: absolutePath,
      default: null,
      sentence: 'The log file; without path and unit, the journal of the target.',
      example: '/var/log/app.log',
    },
    {
      key: 'unit',
      type: serviceUnit,
      default: null,
      sentence: 'The unit whose journal is read.',
      example: 'worker.service',
    },
    {
      key: 'pattern',
      type: givenPattern,
      required: true,
      sentence: 'A regular expression that must not appear.',
      example: 'ERROR|FATAL',
    },
    {
      key: 'since',
      field: 'sinceMs',
      type: age,
      default: null,
      defaultText: 'since the start of the unit',
      sentence: 'How far back a journal is read; a file is read by its lines alone.',
      example: '15min',
    },
    {
      key: 'lines',
      type: integer({ min: 1 }),
      default: 1000,
      sentence: 'How many lines from the end are read.',
      example: 200,
    },
  ],
  backups: [
    {
      key: 'dir',
      type: absolutePath,
      required: true,
      sentence: 'The directory of the backups.',
      example: '/var/backups/app',
    },
    {
      key: 'max_age',
      field: 'maxAgeMs',
      type: age,
      ...optional,
      sentence: 'How old the newest may be.',
      example: '26h',
    },
    { key: 'min', type: count, default: 1, sentence: 'The fewest there must be.', example: 1 },
    { key: 'max', type: count, ...optional, sentence: 'The most there may be.', example: 10 },
  ],
};
