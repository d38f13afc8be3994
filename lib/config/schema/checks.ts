import { choice } from '../values/choice.ts';
import { listOf } from '../values/list.ts';
import { text } from '../values/text.ts';
import { checkKinds } from './check-kinds.ts';
import type { Table } from './table.ts';

export const checksTable: Table = {
  sentence: 'A question of your own, asked before, after or between deploys.',
  rows: [
    {
      key: 'name',
      type: text,
      required: true,
      sentence: 'What the check is called in reports.',
      example: 'environment file',
    },
    {
      key: 'kind',
      type: choice(...Object.keys(checkKinds)),
      required: true,
      sentence: 'What is asked; it decides which further keys there are.',
      example: 'env',
    },
    {
      key: 'when',
      type: listOf(choice('before', 'after', 'monitor'), { min: 1 }),
      default: ['before'],
      sentence: 'When it is asked: before a deploy, after it, and by the monitor.',
      example: ['before', 'monitor'],
    },
    {
      key: 'severity',
      type: choice('fail', 'warn'),
      default: 'fail',
      sentence: 'Whether a bad answer counts as a failure or only warns.',
      example: 'warn',
    },
  ],
  kinds: { key: 'kind', rows: checkKinds },
};
