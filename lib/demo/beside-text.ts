import type { Colours } from '../report/colour.ts';
import { columns } from '../report/text.ts';
import { duration } from '../report/words.ts';
import type { PerformedBeside } from './beside.ts';
import type { SideBySideDocument, SideDocument, SideRun } from './document.ts';
import { triedSideBuilds } from './sides.ts';
import type { Look } from './tell.ts';
import { legend, timeRows, tracks } from './timeline.ts';
import { wrap, wrapList } from './wrap.ts';

/** What came of the last act: one time line with both services below it, and what it was for their clients. */
export function besideText({ document, pictures }: PerformedBeside, { columns: width, colours }: Look): string {
  const [first] = pictures;
  const below = pictures.flatMap((picture, index) => [
    colours.bold(`  ${document.sides[index]?.strategy}`),
    ...tracks(picture, colours),
    '',
  ]);
  return [
    '',
    ...(first ? timeRows(first.window, colours) : []),
    ...below,
    ...wrapList(sharedLegend(pictures, colours), width, '   '),
    '',
    ...tableRows(document, colours),
    '',
    ...wrap(sentence(document), width),
    ...problems(document).map((line) => colours.red(`  ${line}`)),
    '',
  ].join('\n');
}

/** How many requests had no good answer. */
export function missed({ load }: SideDocument): number {
  return load.failed + load.wrong;
}

/** The width of a column belongs to the end. */
function sharedLegend(pictures: PerformedBeside['pictures'], colours: Colours): string[] {
  const each = pictures.map((picture) => legend(picture, new Map(), colours));
  const last = each[0]?.at(-1) ?? '';
  return [...new Set([...each.flatMap((entries) => entries.slice(0, -1)), last])];
}

function tableRows({ sides }: SideBySideDocument, colours: Colours): string[] {
  const tried = triedSideBuilds.map(({ letter, fault }) => `${letter}, ${fault ? 'CRASHES' : 'GOOD'}`);
  const head = ['', ...tried, 'UNANSWERED', 'LONGEST GAP', 'LONGEST WAIT'];
  const rows = sides.map((side) => {
    const { strategy, runs, load } = side;
    const unanswered = `${missed(side)} of ${load.requests}`;
    return [
      strategy,
      ...runs.map(outcomeOf),
      unanswered,
      duration(load.longest_gap_ms),
      duration(load.longest_wait_ms),
    ];
  });
  const [first = '', ...others] = columns([head, ...rows]).split('\n');
  return [colours.bold(`  ${first}`), ...others.map((row) => `  ${row}`)];
}

function outcomeOf({ outcome, exit_code }: SideRun): string {
  return `${outcome?.replace('_', ' ') ?? 'no run'} (${exit_code})`;
}

function sentence({ sides }: SideBySideDocument): string {
  const [restart, overlap] = sides;
  if (!restart || !overlap) return '';
  const lost = missed(overlap) === 0 ? 'not one request' : `${missed(overlap)} requests`;
  return (
    `Stopping the old build before the new one runs cost ${missed(restart)} requests. With overlap the bad build cost its ` +
    `stand-in alone, and the good one took over beside the old one: ${lost} failed. It takes a socket unit, and a program that drains.`
  );
}

function problems({ sides }: SideBySideDocument): string[] {
  const wrong = sides.flatMap(({ strategy, runs }) =>
    runs.flatMap((run) => (run.as_expected ? [] : [{ strategy, run }])),
  );
  return wrong.map(
    ({ strategy, run }) =>
      `${strategy}, build ${run.letter}: this did not end as it should have${run.error ? `: ${run.error}` : ''}.`,
  );
}
