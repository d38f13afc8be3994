import { choice } from '../values/choice.ts';
import { listOf } from '../values/list.ts';
import { name } from '../values/name.ts';
import { integer, number } from '../values/number.ts';
import { absolutePath } from '../values/path.ts';
import { defaultListen, listenAddress } from '../values/port.ts';
import { wait } from '../values/quantity.ts';
import { text } from '../values/text.ts';
import { notifyTable } from './notify.ts';
import type { Table } from './table.ts';
import { targetTable } from './target.ts';

const recoveryTable: Table = {
  sentence: 'Bringing services back without a person.',
  rows: [
    {
      key: 'attempts',
      type: integer({ min: 1 }),
      default: 3,
      sentence: 'How often it is tried.',
      example: 3,
    },
    {
      key: 'delay',
      field: 'delayMs',
      type: wait({ zero: true }),
      default: '30s',
      sentence: 'The time between two tries.',
      example: '30s',
    },
    {
      key: 'quorum',
      type: number({ min: 0, max: 1 }),
      default: 0.66,
      sentence: 'The share of services that must be healthy for a success.',
      example: 1,
    },
    {
      key: 'phases',
      type: listOf(listOf(text, { min: 1 }), { min: 1 }),
      default: null,
      defaultText: 'one phase of all targets',
      sentence: 'Names of targets, in the order in which they come back.',
      example: [['backend'], ['frontend', 'helper']],
    },
  ],
};

const serveTable: Table = {
  sentence: 'The webhook receiver.',
  rows: [
    {
      key: 'listen',
      type: listenAddress,
      default: defaultListen,
      sentence: 'Where it listens, unless a socket unit hands it a socket.',
      example: defaultListen,
    },
    {
      key: 'secret_file',
      type: absolutePath,
      default: null,
      sentence:
        'A file that holds the secret which signs requests; without it, the credential cutover-webhook.secret of the service manager.',
      example: '/etc/cutover/webhook.secret',
    },
    {
      key: 'token_file',
      type: absolutePath,
      default: null,
      sentence: 'A file that holds the token for reading runs, the page and /metrics.',
      example: '/etc/cutover/serve.token',
    },
  ],
};

/** The whole file. */
export const documentTable: Table = {
  sentence: 'What is deployed, and where its state is kept.',
  rows: [
    { key: 'app', type: name, required: true, sentence: 'The name of the software.', example: 'claude-bridge' },
    {
      key: 'manager',
      type: choice('system', 'user'),
      default: 'system',
      sentence: "Whose units they are: the system's, or the user's (systemctl --user).",
      example: 'user',
    },
    {
      key: 'state',
      type: absolutePath,
      defaultText: '/var/lib/cutover; manager = "user": $XDG_STATE_HOME/cutover or ~/.local/state/cutover',
      sentence: 'Where ledgers, locks and evidence are kept.',
      example: '/var/lib/cutover',
    },
    {
      key: 'logs',
      type: absolutePath,
      defaultText: '/var/log/cutover; manager = "user": logs below state',
      sentence: 'Where the log of each deployment is written.',
      example: '/var/log/cutover',
    },
    {
      key: 'metrics',
      type: absolutePath,
      default: null,
      sentence:
        "The directory that node_exporter's textfile collector reads: each target has a file of its own there, written after each run and each pass of the monitor.",
      example: '/var/lib/prometheus/node-exporter',
    },
  ],
  tables: {
    defaults: { table: targetTable, shape: 'defaults', field: null },
    targets: { table: targetTable, shape: 'named', field: 'targets' },
    notify: { table: notifyTable, shape: 'list', field: 'notify' },
    recovery: { table: recoveryTable, shape: 'optional', field: 'recovery' },
    serve: { table: serveTable, shape: 'optional', field: 'serve' },
  },
};
