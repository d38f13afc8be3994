import { hookTable } from '../values/hook.ts';
import { documentTable } from './document.ts';
import type { Row, Table } from './table.ts';

/** A table with the heading a person would write above it. */
export interface Listed {
  /** dotted, with NAME for the target's name; empty at the top */
  path: string;
  heading: string;
  sentence: string;
  rows: readonly Row[];
}

/** Every table of the file in reading order, the further keys of each kind as tables of their own. */
export function listTables(): Listed[] {
  return [
    { path: '', heading: 'The top of the file', sentence: documentTable.sentence, rows: documentTable.rows },
    ...inside(documentTable, ''),
  ];
}

function inside(table: Table, path: string): Listed[] {
  return Object.entries(table.tables ?? {}).flatMap(([key, sub]): Listed[] => {
    if (sub.shape === 'defaults') {
      return [
        { path: key, heading: `[${key}]`, sentence: 'Has the keys of a target; every target inherits them.', rows: [] },
      ];
    }
    const place = [path, key, ...(sub.shape === 'named' ? ['NAME'] : [])].filter((part) => part !== '').join('.');
    const heading = sub.shape === 'list' ? `[[${place}]]` : `[${place}]`;
    const own: Listed = { path: place, heading, sentence: sub.table.sentence, rows: sub.table.rows };
    const hooks: Listed[] =
      key === 'hooks' ? [{ ...hookTable, path: `${place}.HOOK`, heading: `[${place}.HOOK]` }] : [];
    return [own, ...hooks, ...kindsOf(sub.table, place, heading), ...inside(sub.table, place)];
  });
}

function kindsOf({ kinds }: Table, path: string, heading: string): Listed[] {
  return Object.entries(kinds?.rows ?? {}).map(([kind, rows]) => ({
    path,
    heading: `${heading} ${kinds?.key} = "${kind}"`,
    sentence: 'Its further keys.',
    rows,
  }));
}
