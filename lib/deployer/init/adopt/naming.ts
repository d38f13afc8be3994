import { unitPathText } from '../../../systemd/unit-text.ts';

/** Where a service runs now, and where it is to. */
export interface Moving {
  source: string;
  current: string;
  /** absolute; what lies there stays there */
  shared: readonly string[];
}

/** The places in a text at which the old directory is named, other than by what is shared in it: that is used where it lies. */
export function placesIn(text: string, { source, shared }: Moving): number[] {
  const found: number[] = [];
  for (let at = nameIn(text, source, 0); at !== -1; at = nameIn(text, source, at + source.length)) {
    const path = pathAt(text, at);
    if (!shared.some((one) => path === one || path.startsWith(`${one}/`))) found.push(at);
  }
  return found;
}

/** Whether a text names the old directory, other than what is shared in it. */
export function isNamed(text: string, moving: Moving): boolean {
  return placesIn(text, moving).length > 0;
}

/** The text with `current` for the old directory. */
export function withCurrent(text: string, moving: Moving): string {
  let [done, from] = ['', 0];
  for (const at of placesIn(text, moving)) {
    done += text.slice(from, at) + unitPathText(moving.current);
    from = at + moving.source.length;
  }
  return done + text.slice(from);
}

/** The whole path that begins at a place of a text. */
export function pathAt(text: string, at: number): string {
  return /^[^\s"';:,=]*/.exec(text.slice(at))?.[0].replace(/\/$/, '') ?? '';
}

/** Where the directory is named from a place on; -1: nowhere. A longer name that only begins so is another one. */
function nameIn(text: string, source: string, from: number): number {
  for (let at = text.indexOf(source, from); at !== -1; at = text.indexOf(source, at + 1)) {
    const [before, after] = [text[at - 1] ?? ' ', text[at + source.length] ?? ' '];
    if (!/[\w.@/-]/.test(before) && /[/\s"';:,=]/.test(after)) return at;
    // "-", "@" and their like may stand in front of the first word of a command.
    if (/^[-@:+!]+$/.test(text.slice(0, at)) && /[/\s"';:,=]/.test(after)) return at;
  }
  return -1;
}
