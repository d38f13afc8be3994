import { boolean } from '../values/boolean.ts';
import { oneOrMany } from '../values/list.ts';
import { jsonMap, textMap } from '../values/map.ts';
import { integer } from '../values/number.ts';
import { pattern } from '../values/pattern.ts';
import { wait } from '../values/quantity.ts';
import { statusList } from '../values/status.ts';
import { httpUrl } from '../values/url.ts';
import type { Row, Table } from './table.ts';

/** What an HTTP answer has to be: of the gate, and of a check of kind `http`. */
export const answerRows: readonly Row[] = [
  {
    key: 'status',
    field: 'statuses',
    type: statusList,
    default: 200,
    sentence: 'The statuses that count as healthy: a number, "2xx", "200-204", or a list of those.',
    example: ['2xx', 304],
  },
  {
    key: 'json',
    type: jsonMap,
    default: {},
    sentence: 'What must stand in the JSON body: a dotted path and its value.',
    example: { status: 'healthy', 'services.redis.status': 'connected' },
  },
  {
    key: 'body',
    type: pattern,
    default: null,
    sentence: 'A regular expression that the body must match.',
    example: '"ok":\\s*true',
  },
  {
    key: 'headers',
    type: textMap({ name: 'a table of header names and texts', key: /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/ }),
    default: {},
    sentence:
      'Headers to send; all but the usual ones are hidden when shown. With one whose name tells of a secret only its owner may read the file.',
    example: { accept: 'application/json' },
  },
  {
    key: 'timeout',
    field: 'timeoutMs',
    type: wait(),
    default: '5s',
    sentence: 'How long one request may take.',
    example: '5s',
  },
];

export const healthTable: Table = {
  sentence: 'How the gate asks the candidate whether it is healthy.',
  rows: [
    {
      key: 'url',
      field: 'urls',
      type: oneOrMany(httpUrl),
      default: [],
      defaultText: "none: the unit's own state decides",
      sentence: 'The address to ask, or a list of which all must be healthy.',
      example: 'http://127.0.0.1:9000/api/health',
    },
    ...answerRows,
    {
      key: 'attempts',
      type: integer({ min: 1 }),
      default: 10,
      sentence: 'How many wrong answers are put up with before the candidate has failed.',
      example: 10,
    },
    {
      key: 'interval',
      field: 'intervalMs',
      type: wait(),
      default: '3s',
      sentence: 'The time between two attempts.',
      example: '3s',
    },
    {
      key: 'successes',
      type: integer({ min: 1 }),
      default: 1,
      sentence: 'How many healthy answers in a row it takes.',
      example: 2,
    },
    {
      key: 'healthy_for',
      field: 'healthyForMs',
      type: wait({ zero: true }),
      default: '0s',
      sentence:
        'How long the candidate must stay healthy before it counts. 250 ms at least where only a child of the main process has the port open: the main process may leave.',
      example: '30s',
    },
    {
      key: 'identity',
      type: boolean,
      default: true,
      sentence: 'Prove that what answers is the candidate: its process runs from the build and holds the port.',
      example: false,
    },
    {
      key: 'standin_url',
      type: httpUrl,
      default: null,
      sentence: 'A private address of the stand-in, with the strategy overlap.',
      example: 'http://unix:/run/app/next.sock:/health',
    },
  ],
};
