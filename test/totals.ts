/** What a test file tells the runner in the last line of its output, after `totalsMark`. */
export interface Totals {
  declared: number;
  passed: number;
  failed: number;
  names: string[];
}

export const totalsMark = '##totals ';

/** Comes before the name of each test that begins, so that a hang has a name. */
export const beginMark = '##begin ';
