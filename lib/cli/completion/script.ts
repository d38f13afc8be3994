import { commandOfTool } from '../command.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import type { Shell } from '../../base/shells.ts';
import { zshScript } from './zsh.ts';

/** Every executable that the words are completed of. bash and fish look for a file of each one's name. */
export const completedTools: readonly string[] = ['cutover', ...Object.keys(commandOfTool)];

const scripts: Readonly<Record<Shell, (tools: readonly string[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/**
 * What makes a shell complete the command line: it asks `cutover complete` at each press of the key, so that it knows the
 * commands of whatever version is installed then.
 */
export function completionScript(shell: Shell): string {
  return scripts[shell](completedTools);
}
