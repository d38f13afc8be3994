import type { CommandRow } from './command.ts';

/** The commands that others run: git, for one. */
export const hookCommands: CommandRow[] = [
  {
    name: 'hook',
    words: '<event> [target]',
    does: 'Deploy what was pushed, as git calls it (post-receive); each branch goes to the targets that are bound to it',
    options: [['--wait <time>', 'how long to queue behind a run in progress (default 10min)']],
    examples: ['cutover hook post-receive', 'cutover hook post-receive production --wait=30min'],
    load: () => import('./hook.ts'),
  },
];
