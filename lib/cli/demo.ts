import { CutoverError } from '../base/errors.ts';
import type { Run } from './command.ts';

export const run: Run = async () => {
  throw new CutoverError('config', 'cutover demo: this version does not have it yet');
};
