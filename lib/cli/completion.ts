import { CutoverError } from '../base/errors.ts';
import type { Run } from './command.ts';
import { completionScript, type Shell, shells } from './completion/script.ts';

export const run: Run = async ([name = ''], _options, terminal) => {
  const shell = shells.find((one): one is Shell => one === name);
  if (!shell) {
    throw new CutoverError('usage', `there is no completion for ${name}; there is for ${shells.join(', ')}`, {
      mend: 'cutover completion bash',
    });
  }
  terminal.print(completionScript(shell).trimEnd());
  return 0;
};
