import { boolean } from '../values/boolean.ts';
import { fileMode } from '../values/path.ts';
import { wait } from '../values/quantity.ts';
import { text } from '../values/text.ts';
import type { Row } from './table.ts';

const optional = { default: null, defaultText: 'any' } as const;

/** Whose a file must be, and what becomes of one that is not. */
export const fileRows: readonly Row[] = [
  { key: 'owner', type: text, ...optional, sentence: 'The user it must belong to.', example: 'www-data' },
  { key: 'group', type: text, ...optional, sentence: 'The group it must belong to.', example: 'www-data' },
  { key: 'mode', type: fileMode, ...optional, sentence: 'The permission bits the file must have.', example: '600' },
  {
    key: 'mend',
    type: boolean,
    default: false,
    sentence: 'Whether a wrong owner or mode is put right instead of only told.',
    example: true,
  },
];

/** How long a check may take. */
export function timeoutRow(fallback: string): Row {
  return {
    key: 'timeout',
    field: 'timeoutMs',
    type: wait(),
    default: fallback,
    sentence: 'The check has failed after this long.',
    example: '10s',
  };
}
