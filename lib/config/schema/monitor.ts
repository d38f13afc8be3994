import { choice } from '../values/choice.ts';
import { integer } from '../values/number.ts';
import { wait } from '../values/quantity.ts';
import type { Table } from './table.ts';

export const monitorTable: Table = {
  sentence: 'Looking after the unit between deploys.',
  rows: [
    {
      key: 'every',
      field: 'everyMs',
      type: wait(),
      default: '5min',
      sentence: 'The time between two passes.',
      example: '15min',
    },
    {
      key: 'failures',
      type: integer({ min: 1 }),
      default: 3,
      sentence: 'How many failed passes in a row it takes before something is done.',
      example: 3,
    },
    {
      key: 'action',
      type: choice('alert', 'restart', 'rollback'),
      default: 'restart',
      sentence: 'What is done then.',
      example: 'alert',
    },
    {
      key: 'bake',
      field: 'bakeMs',
      type: wait({ zero: true }),
      default: '0s',
      sentence: 'For this long after a deploy, a failure that lasts rolls back.',
      example: '30min',
    },
  ],
};
