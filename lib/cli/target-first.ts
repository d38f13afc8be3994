import { isBuildId } from '../builds/layout.ts';
import { isRunId } from '../run/inputs.ts';

/** Whether a word can be a target's name: builds and runs are no names of targets, nor are paths. */
export function isTargetName(word: string): boolean {
  return /^\w[\w.-]*$/.test(word) && !isBuildId(word) && !isBuildId(`dist.${word}`) && !isRunId(word);
}

/** The words of `[target] [build]` and of `[target] [run]`: where there is one target, what is wanted of it may stand alone. */
export function targetFirst(words: readonly string[]): [target: string | undefined, wanted: string | undefined] {
  const [first, second] = words;
  const isAlone = first !== undefined && second === undefined && !isTargetName(first);
  return isAlone ? [undefined, first] : [first, second];
}
