import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

/** What is longer is no line but a dump; the rest of it is left out. */
const maxLineLength = 4096;

/** Takes a line without its end. A promise holds the reading up until it is settled, and so, in time, the writer. */
export type TakeLine = (line: string) => void | Promise<void>;

/**
 * Hands on a stream's text line by line, as a terminal would show them: without colours and control characters, and
 * of what is written over itself (progress bars) the last. Memory stays bounded whatever comes.
 */
export async function readLines(stream: Readable, take: TakeLine): Promise<void> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const pieces = (rest + String(chunk)).split('\n');
    rest = shortened(pieces.pop() ?? '');
    for (const piece of pieces) {
      const isTaken = take(asShown(piece));
      if (isTaken) await isTaken;
    }
  }
  if (rest !== '') await take(asShown(rest));
}

/** What an unfinished line needs to be remembered by. A return at its end may be half of CR LF. */
function shortened(text: string): string {
  const begin = text.lastIndexOf('\r', text.length - 2) + 1;
  return text.slice(begin, begin + maxLineLength + 1);
}

/** A line as a terminal would show it, and no more of it than a line is. */
export function asShown(text: string, maxLength: number = maxLineLength): string {
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  const last = line.slice(line.lastIndexOf('\r') + 1);
  return withoutControls(last.length > maxLength ? `${last.slice(0, maxLength)}…` : last);
}

/** A text of somebody else's, all of it, as one line that a terminal shows and does not obey. */
export function onOneLine(text: string): string {
  return withoutControls(text.replaceAll(/\s+/g, ' '));
}

function withoutControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
