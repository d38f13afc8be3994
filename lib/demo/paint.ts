import type { Colours } from '../report/colour.ts';
import { strangerLetter } from './acts.ts';

/** Gives a text a colour. */
export type Paint = (text: string) => string;

/** The colour of a build's letter, the same everywhere. */
export function buildPaint(letter: string | null, colours: Colours): Paint {
  if (letter === null) return colours.dim;
  if (letter === strangerLetter) return colours.magenta;
  const paints = [colours.cyan, colours.green, colours.red, colours.yellow, colours.blue];
  return paints[((letter.codePointAt(0) ?? 0) - 65) % paints.length] ?? String;
}
