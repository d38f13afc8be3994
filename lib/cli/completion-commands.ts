import type { CommandRow } from './command.ts';

/** The commands that tell of cutover itself. */
export const completionCommands: CommandRow[] = [
  {
    name: 'config',
    words: '',
    does: 'Print the effective configuration',
    options: [
      ['--check', 'only say whether it is right'],
      ['--docs', 'describe every key'],
      ['--schema', 'print the JSON Schema'],
    ],
    examples: ['cutover config --check', 'cutover config --docs | less'],
    load: () => import('./config.ts'),
  },
  {
    name: 'manual',
    words: '[section]',
    does: 'Print a page of the manual in roff: 1, the commands; 5, the configuration',
    options: [],
    examples: ['cutover manual | man -l -', 'cutover manual 5 | man -l -'],
    load: () => import('./manual.ts'),
    isHidden: true,
  },
];
