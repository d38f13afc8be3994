import { matching } from './text.ts';
import type { ValueType } from './value-type.ts';

/** A branch as `git branch` lists it (git-check-ref-format(1)); empty: none. */
export const branchName: ValueType<string> = matching({
  name: 'the name of a branch such as "main", or "" for none',
  pattern: /^(?!refs\/|[-/.])[^\s~^:?*[\\]*$/,
});
