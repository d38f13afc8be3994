import { CutoverError } from '../base/errors.ts';
import type { Run } from './command.ts';
import { completionScript } from './completion/script.ts';
import { type Shell, shells } from '../base/shells.ts';

export const run: Run = async ([name = ''], options, terminal) => {
  const shell = shells.find((one): one is Shell => one === name);
  if (!shell) {
    throw new CutoverError('usage', `there is no completion for ${name}; there is for ${shells.join(', ')}`, {
      mend: 'cutover completion bash',
    });
  }
  const script = completionScript(shell);
  terminal.print(options.json ? JSON.stringify({ shell, script }) : script.trimEnd());
  return 0;
};
