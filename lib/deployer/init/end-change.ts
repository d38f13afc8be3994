import { CutoverError } from '../../base/errors.ts';
import { isOthersWord } from '../../base/owner.ts';
import { shellLine } from '../../base/shell-words.ts';
import type { Place } from '../place.ts';
import { readAdoption } from './adopt/record.ts';
import type { EndedChange } from './ended-change.ts';
import { readRecord } from './strategy/record.ts';

/**
 * Ends a change of strategy, or a move into a builds directory, that was cut off: it leaves files that are read at the next reload, so
 * it is ended before anything else.
 * @returns null: there was none
 * @throws `permission`, `refused`; what stands in the way
 */
export async function endChange(place: Place): Promise<EndedChange | null> {
  const adoption = await readAdoption(place.paths);
  const isChanging = (await readRecord(place.paths)) !== null;
  if (adoption === null && !isChanging) return null;
  await requireOwnWord(place.paths);
  const ended: EndedChange[] = [];
  const tell = (one: EndedChange): void => {
    ended.push(one);
    place.emit({ type: 'note', message: one.text });
  };
  if (adoption !== null) {
    const { endAdoption } = await import('./adopt/change.ts');
    tell(await endAdoption(place, adoption));
  }
  if (isChanging) {
    const { endUnfinished } = await import('./strategy/way-back.ts');
    const one = await endUnfinished(place);
    if (one !== null) tell(one);
  }
  return all(ended);
}

function all(ended: readonly EndedChange[]): EndedChange | null {
  if (ended.length === 0) return null;
  const failure = ended.find((one) => one.failure !== null)?.failure ?? null;
  const isTakenBack = ended.some((one) => one.isTakenBack);
  return { text: ended.map(({ text }) => text).join('; '), isTakenBack, failure };
}

/** The record of a change says which files are written. @throws `permission` */
async function requireOwnWord({ directory }: Place['paths']): Promise<void> {
  if (!(await isOthersWord(directory))) return;
  const what = `a change of the unit was cut off, and its record in ${directory} is another user's`;
  throw new CutoverError('permission', what, {
    mend: `take it back, and again: ${shellLine(['chown', '-R', 'root:', directory])}; after that: cutover init --install`,
  });
}
