import { boolean } from '../values/boolean.ts';
import { branchName } from '../values/branch.ts';
import { choice } from '../values/choice.ts';
import { textMap } from '../values/map.ts';
import { serviceUnit } from '../values/name.ts';
import { integer } from '../values/number.ts';
import { absolutePath } from '../values/path.ts';
import { portList } from '../values/port.ts';
import { wait } from '../values/quantity.ts';
import { checksTable } from './checks.ts';
import { databaseTable } from './database.ts';
import { healthTable } from './health.ts';
import { hooksTable } from './hooks.ts';
import { limitsTable } from './limits.ts';
import { monitorTable } from './monitor.ts';
import type { Row, Table } from './table.ts';

const stopTable: Table = {
  sentence: 'How the unit is stopped.',
  rows: [timeoutRow('stop', '30s', 'How long the unit may take to stop and to let go of its ports.')],
};

const startTable: Table = {
  sentence: 'How the unit is started.',
  rows: [timeoutRow('start', '60s', 'How long it may take until the unit is active and its ports listen.')],
};

/** A target's keys, those of [defaults] as well. */
export const targetTable: Table = {
  sentence: 'One place where the app runs: one unit, one builds directory.',
  rows: [
    {
      key: 'unit',
      type: serviceUnit,
      required: true,
      sentence: 'The systemd unit; .service may be left out.',
      example: 'claude-bridge-production.service',
    },
    {
      key: 'builds',
      type: absolutePath,
      required: true,
      sentence: 'The directory that holds the builds and the link current.',
      example: '/srv/claude-bridge/builds/production',
    },
    {
      key: 'strategy',
      type: choice('restart', 'socket', 'overlap'),
      default: 'restart',
      sentence: 'How the unit moves to the candidate.',
      example: 'restart',
    },
    {
      key: 'port',
      field: 'ports',
      type: portList,
      default: [],
      defaultText: 'none',
      sentence: 'The port the unit listens on, or a list of them.',
      example: 9000,
    },
    {
      key: 'branch',
      type: branchName,
      default: 'main',
      sentence: 'The branch whose pushes are deployed here, by git or by the webhook; empty: no push is.',
      example: 'staging',
    },
    {
      key: 'allow_force',
      type: boolean,
      default: false,
      sentence: 'Whether deploy --force is allowed here: it goes on in spite of failed checks.',
      example: true,
    },
    {
      key: 'keep',
      type: integer({ min: 0 }),
      default: 5,
      sentence: 'How many good builds are kept beside current and previous.',
      example: 3,
    },
    {
      key: 'environment',
      type: textMap({ name: 'a table of variable names and texts', key: /^[A-Za-z_][A-Za-z0-9_]*$/ }),
      default: {},
      sentence:
        'Environment variables of the hooks and of checks that run a command; of yours they see PATH, HOME, language, time zone, user, shell and bus.',
      example: { NODE_ENV: 'production' },
    },
  ],
  tables: {
    stop: { table: stopTable, shape: 'table', field: null },
    start: { table: startTable, shape: 'table', field: null },
    health: { table: healthTable, shape: 'table', field: 'health' },
    limits: { table: limitsTable, shape: 'table', field: 'limits' },
    hooks: { table: hooksTable, shape: 'table', field: 'hooks' },
    database: { table: databaseTable, shape: 'optional', field: 'database' },
    checks: { table: checksTable, shape: 'list', field: 'checks' },
    monitor: { table: monitorTable, shape: 'optional', field: 'monitor' },
  },
};

function timeoutRow(phase: 'stop' | 'start', duration: string, sentence: string): Row {
  return {
    key: 'timeout',
    field: `${phase}TimeoutMs`,
    type: wait(),
    default: duration,
    sentence,
    example: duration,
  };
}
