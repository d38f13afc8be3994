import { commandLine } from '../values/hook.ts';
import { listOf, oneOrMany } from '../values/list.ts';
import { integer } from '../values/number.ts';
import { absolutePath } from '../values/path.ts';
import { port } from '../values/port.ts';
import { text } from '../values/text.ts';
import { httpUrl } from '../values/url.ts';
import { fileRows, timeoutRow } from './file-rows.ts';
import { answerRows } from './health.ts';
import { storeKinds } from './store-kinds.ts';
import type { Row } from './table.ts';

const optional = { default: null, defaultText: 'any' } as const;
const count = integer({ min: 0 });

/** The further keys of each kind of check, as rows; their fields are those of `check-options.ts`. */
export const checkKinds: Readonly<Record<string, readonly Row[]>> = {
  command: [
    { key: 'run', type: commandLine, required: true, sentence: 'Passes when it exits 0.', example: ['./budget.sh'] },
    timeoutRow('30s'),
    {
      key: 'dir',
      type: absolutePath,
      default: null,
      defaultText: 'the build',
      sentence: 'Where it runs.',
      example: '/srv/app',
    },
    {
      key: 'user',
      type: text,
      default: null,
      defaultText: 'the user of cutover',
      sentence: 'As whom it runs.',
      example: 'app',
    },
  ],
  file: [
    {
      key: 'path',
      type: absolutePath,
      required: true,
      sentence: 'The file that must exist.',
      example: '/srv/app/app.db',
    },
    ...fileRows,
  ],
  env: [
    { key: 'path', type: absolutePath, required: true, sentence: 'The environment file.', example: '/srv/app/.env' },
    {
      key: 'keys',
      type: listOf(text),
      default: [],
      sentence: 'Names it must give a value.',
      example: ['DATABASE_URL', 'SECRET_KEY'],
    },
    ...fileRows,
  ],
  http: [
    {
      key: 'url',
      field: 'urls',
      type: oneOrMany(httpUrl),
      required: true,
      sentence: 'The address to ask, or a list of which all must answer so.',
      example: 'http://127.0.0.1:9000/',
    },
    ...answerRows,
  ],
  tcp: [
    { key: 'host', type: text, default: '127.0.0.1', sentence: 'The host to connect to.', example: '127.0.0.1' },
    { key: 'port', type: port, required: true, sentence: 'The port that must accept.', example: 6379 },
    timeoutRow('5s'),
  ],
  processes: [
    { key: 'min', type: count, ...optional, sentence: 'The fewest processes the unit must have.', example: 2 },
    { key: 'max', type: count, ...optional, sentence: 'The most processes the unit may have.', example: 8 },
    { key: 'count', type: count, ...optional, sentence: 'Exactly how many it must have.', example: 4 },
  ],
  ...storeKinds,
};
