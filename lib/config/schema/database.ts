import { boolean } from '../values/boolean.ts';
import { choice } from '../values/choice.ts';
import { integer } from '../values/number.ts';
import { absolutePath } from '../values/path.ts';
import { age } from '../values/quantity.ts';
import { text } from '../values/text.ts';
import { databaseUrl } from '../values/url.ts';
import type { Table } from './table.ts';

export const databaseTable: Table = {
  sentence: 'The database to back up before a deploy.',
  rows: [
    {
      key: 'kind',
      type: choice('sqlite', 'postgres'),
      required: true,
      sentence: 'What kind of database it is.',
      example: 'sqlite',
    },
    { key: 'path', type: absolutePath, default: null, sentence: 'The SQLite file.', example: '/srv/app/app.db' },
    {
      key: 'url',
      type: databaseUrl,
      default: null,
      sentence: 'The address of the PostgreSQL database; with a password in it, rather use url_file.',
      example: 'postgres:///app',
    },
    {
      key: 'url_file',
      type: absolutePath,
      default: null,
      sentence: 'A file that holds the address of the PostgreSQL database.',
      example: '/etc/cutover/database.url',
    },
    {
      key: 'backups',
      type: absolutePath,
      default: '/var/backups/cutover',
      sentence: 'Where backups go.',
      example: '/var/backups/cutover',
    },
    {
      key: 'keep',
      type: integer({ min: 1 }),
      default: 3,
      sentence: 'How many backups are kept; the newest always stays.',
      example: 5,
    },
    {
      key: 'keep_for',
      field: 'keepForMs',
      type: age,
      default: '7d',
      sentence: 'How long a backup is kept; the newest always stays.',
      example: '14d',
    },
    {
      key: 'required',
      type: boolean,
      default: false,
      sentence:
        'Whether a backup that failed ends the deploy; without it, one that is the way back from a migration still does.',
      example: true,
    },
    {
      key: 'restore_on_rollback',
      type: boolean,
      default: false,
      sentence:
        'Whether going back restores the database, when this deploy migrated it: what was written since is lost, and with socket and overlap the port closes meanwhile.',
      example: true,
    },
    {
      key: 'verify',
      type: text,
      default: null,
      sentence: 'A query that must succeed on a restored database, and on the copy of a SQLite file.',
      example: 'SELECT count(*) FROM users',
    },
  ],
};
