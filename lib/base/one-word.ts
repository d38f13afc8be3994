import { CutoverError } from './errors.ts';

/** A secret or an address is short; a file that is not is another one. */
const mostCharacters = 4096;

/**
 * The one word that a file or a variable holds.
 * @param from what holds it, for people
 * @throws `config` when it is empty, or holds more; the message holds nothing of it
 */
export function oneWord(text: string, from: string, mend?: string): string {
  const word = text.trim();
  if (word === '') throw new CutoverError('config', `${from} is empty`, { mend });
  if (/\s/.test(word) || word.length > mostCharacters)
    throw new CutoverError('config', `${from} holds more than one word`, { mend });
  return word;
}
