import type { Colours } from '../report/colour.ts';
import { columns } from '../report/text.ts';
import { duration } from '../report/words.ts';
import { acts } from './acts.ts';
import { missed } from './beside-text.ts';
import type { ActDocument, DemoDocument, SideDocument } from './document.ts';
import { wrap } from './wrap.ts';

interface SummaryLook {
  width: number;
  colours: Colours;
  /** what became of where it happened, in a sentence */
  gone: string;
}

/** All acts in one table, and what to remember. */
export function summary(document: DemoDocument, { width, colours, gone }: SummaryLook): string {
  const head = ['', 'ACT', 'OUTCOME', 'EXIT', 'CLOSED', 'UNANSWERED', 'LONGEST GAP'];
  const [first = '', ...rows] = columns([
    head,
    ...document.acts.map(rowOf),
    ...document.side_by_side.sides.map(sideRow),
  ]).split('\n');
  const closing = `${document.as_expected ? good(document) : bad(document)} ${gone}`;
  const paint = document.as_expected ? colours.bold : colours.red;
  return [
    '',
    colours.bold(`  ${first}`),
    ...rows.map((row) => `  ${row}`),
    ...notesOn(document).map((note) => colours.dim(`  ${note}`)),
    '',
    ...wrap(closing, width).map(paint),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** What the marks in the rows mean. */
function notesOn({ acts: told }: DemoDocument): string[] {
  const first = '* nothing served before the first deploy';
  const hasStranger = told.some(({ load }) => load.wrong > 0);
  return hasStranger ? [first, '? requests that the stranger answered count as unanswered'] : [first];
}

function rowOf({ name, outcome, exit_code, downtime_ms, load }: ActDocument, index: number): string[] {
  const mark = acts[index]?.isFirst ? '*' : load.wrong > 0 ? '?' : '';
  return [
    `${index + 1}`,
    name,
    outcome?.replace('_', ' ') ?? '-',
    String(exit_code ?? '-'),
    downtime_ms === null ? '-' : duration(downtime_ms),
    `${load.failed + load.wrong} of ${load.requests}${mark}`,
    duration(load.longest_gap_ms),
  ];
}

function sideRow(side: SideDocument, index: number): string[] {
  const { strategy, runs, downtime_ms, load } = side;
  return [
    index === 0 ? String(acts.length + 1) : '',
    `with ${strategy}`,
    runs.every(({ as_expected }) => as_expected) ? 'as wanted' : 'NOT so',
    runs.map(({ exit_code }) => exit_code ?? '-').join(', '),
    downtime_ms === null ? '-' : duration(downtime_ms),
    `${missed(side)} of ${load.requests}`,
    duration(load.longest_gap_ms),
  ];
}

function good({ acts: told, side_by_side, duration_ms }: DemoDocument): string {
  const requests = [...told, ...side_by_side.sides].reduce((sum, { load }) => sum + load.requests, 0);
  return (
    'Builds C, D and G were bad: each was taken back by itself. E found its port taken, cutover said by whom, and one command ' +
    `repaired it. ${requests} requests, ${duration(duration_ms)}.`
  );
}

function bad({ acts: told, side_by_side }: DemoDocument): string {
  const all = [...told, { name: 'side by side', as_expected: side_by_side.as_expected }];
  const names = all.filter((act) => !act.as_expected).map(({ name }) => name);
  return `Not as it should be: ${names.join(', ')}.`;
}
