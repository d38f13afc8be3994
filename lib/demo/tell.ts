import type { Colours } from '../report/colour.ts';
import { duration, sentenceOf } from '../report/words.ts';
import { strangerLetter } from './acts.ts';
import type { ActDocument } from './document.ts';
import { requestsPerSecond } from './load-source.ts';
import type { Performed } from './perform.ts';
import { legend, timeline } from './timeline.ts';
import { widestText, wrap, wrapList } from './wrap.ts';

/** How a text is to look. */
export interface Look {
  columns: number;
  colours: Colours;
  /** the letter of each build, by its id */
  letters: ReadonlyMap<string, string>;
}

/** What the demo is about, before its first act. */
export function introduction(where: string, columns: number): string {
  const text =
    `${where}, cutover deploys builds of a small HTTP service, ` +
    `good ones and bad ones, while ${requestsPerSecond} requests a second go on, each on a connection of its own.`;
  return `\n${wrap(text, columns).join('\n')}\n`;
}

/** The headline of an act, and the commands that are typed. */
export function headline(
  { place, title: name, commands }: { place: string; title: string; commands: readonly string[] },
  { columns, colours }: Pick<Look, 'columns' | 'colours'>,
): string {
  const title = `── ${place} ── ${name} `;
  const line = '─'.repeat(Math.max(2, Math.min(columns, widestText) - title.length - 1));
  const typed = commands.map((command) => `  ${colours.dim('$')} ${command}\n`);
  return `\n${colours.bold(title)}${colours.dim(line)}\n${typed.join('')}`;
}

/** What came of an act: the picture, the outcome in a sentence, and the figures. */
export function actText({ document, picture }: Performed, look: Look): string {
  const { colours, columns, letters } = look;
  const { as_expected, run } = document;
  const names = new Map([[strangerLetter, 'a stranger']]);
  const sentence = run ? sentenceOf(run) : `no run began: ${document.error}`;
  return [
    '',
    ...timeline(picture, colours),
    '',
    ...wrapList(legend(picture, names, colours), columns, '   '),
    '',
    ...wrap(readable(sentence, letters), columns).map(outcomePaint(document, colours)),
    ...wrapList(figuresOf(document), columns, '  ·  '),
    ...(as_expected ? [] : [colours.red('  This act did not end as it should have.')]),
    '',
  ].join('\n');
}

/** Build ids are long and alike; in the demo every build has a letter. */
export function readable(text: string, letters: ReadonlyMap<string, string>): string {
  return [...letters].reduce((known, [id, letter]) => known.replaceAll(id, `build ${letter}`), text);
}

function outcomePaint({ outcome }: ActDocument, { green, yellow, red }: Colours): (text: string) => string {
  if (outcome === 'deployed') return green;
  return outcome === 'rolled_back' ? yellow : red;
}

function figuresOf({ exit_code, downtime_ms, load, stranger_alive }: ActDocument): string[] {
  const { requests, failed, wrong, longest_gap_ms } = load;
  return [
    `exit code ${exit_code}`,
    ...(downtime_ms === null ? [] : [`port closed for ${duration(downtime_ms)}`]),
    `${requests} requests: ${requests - failed - wrong} answered, ${failed} failed${wrong > 0 ? `, ${wrong} answered by the stranger` : ''}`,
    `longest gap ${duration(longest_gap_ms)}`,
    ...(stranger_alive ? ['the stranger was not touched: it still runs'] : []),
  ];
}
