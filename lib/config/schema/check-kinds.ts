import { boolean } from '../values/boolean.ts';
import { commandLine } from '../values/hook.ts';
import { listOf, oneOrMany } from '../values/list.ts';
import { integer } from '../values/number.ts';
import { absolutePath, fileMode } from '../values/path.ts';
import { port } from '../values/port.ts';
import { wait } from '../values/quantity.ts';
import { text } from '../values/text.ts';
import { httpUrl } from '../values/url.ts';
import { answerRows } from './health.ts';
import { storeKinds } from './store-kinds.ts';
import type { Row } from './table.ts';

const modeRow: Row = {
  key: 'mode',
  type: fileMode,
  default: null,
  defaultText: 'any',
  sentence: 'The permission bits the file must have.',
  example: '600',
};

const mendRow: Row = {
  key: 'mend',
  type: boolean,
  default: false,
  sentence: 'Whether a wrong owner or mode is put right instead of only told.',
  example: true,
};

const timeoutRow = (fallback: string): Row => ({
  key: 'timeout',
  field: 'timeoutMs',
  type: wait(),
  default: fallback,
  sentence: 'The check has failed after this long.',
  example: '10s',
});

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
    { key: 'owner', type: text, ...optional, sentence: 'The user it must belong to.', example: 'www-data' },
    { key: 'group', type: text, ...optional, sentence: 'The group it must belong to.', example: 'www-data' },
    modeRow,
    mendRow,
  ],
  env: [
    { key: 'path', type: absolutePath, required: true, sentence: 'The environment file.', example: '/srv/app/.env' },
    modeRow,
    {
      key: 'keys',
      type: listOf(text),
      default: [],
      sentence: 'Names it must give a value.',
      example: ['DATABASE_URL', 'SECRET_KEY'],
    },
    mendRow,
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
