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
    name: 'completion',
    words: '<shell>',
    does: 'Print what makes bash, zsh or fish complete commands, options, targets, builds and runs',
    options: [],
    examples: [
      'cutover completion bash > /etc/bash_completion.d/cutover',
      'cutover completion zsh > /usr/share/zsh/site-functions/_cutover',
      'cutover completion fish > ~/.config/fish/completions/cutover.fish',
    ],
    load: () => import('./completion.ts'),
  },
  {
    name: 'complete',
    words: '<form> [...words]',
    does: 'Answer a shell that completes: "line" with the line up to the cursor, or "words" with its words',
    options: [],
    examples: ['cutover complete words -- cutover deploy ""'],
    load: () => import('./complete.ts'),
    isHidden: true,
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
