import type { CommandRow } from './command.ts';

/** The commands that bring services back. */
export const recoverCommands: CommandRow[] = [
  {
    name: 'recover',
    words: '[...target]',
    does: 'Bring unhealthy services back, in phases, until enough are healthy; exit 0 enough, 3 not',
    options: [
      ['--only <name...>', 'of these targets alone; repeated, or with commas'],
      ['--status-only', 'look, and change nothing'],
    ],
    examples: ['cutover recover', 'cutover recover --only=backend,frontend --json', 'cutover recover --status-only'],
    load: () => import('./recover.ts'),
  },
  {
    name: 'recover-one',
    words: '<target>',
    does: 'One attempt of cutover recover, in a process of its own',
    options: [
      ['--last', 'the last one: go back to another build where this one does not come up, and tell others'],
      ['--recovery <id>', 'the recovery that it is an attempt of, which counts as one'],
    ],
    examples: ['cutover recover-one backend --json'],
    load: () => import('./recover-one.ts'),
    isHidden: true,
  },
];
